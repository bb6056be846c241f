import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairQueue } from '../../../src/core/fair-queue.js';
import { parseUri } from '../../../src/core/uri.js';
import type { DnsSource } from '../../../src/sip/dns-source.js';
import { PeerTables } from '../../../src/sip/peer-tables.js';
import { type Resolution, Resolver } from '../../../src/sip/resolve.js';
import { newCounters } from '../../../src/workers/tallies.js';
import { shown } from '../../support/dns-zone.js';
import { FakeClock } from '../../support/fake-clock.js';
import { recordingLog } from '../../support/recording-log.js';
import { countingRandom } from '../../support/sip-recorder.js';

const HOSTILE = '198.51.100.66';
const GOOD = '192.0.2.7';

const none = () => Promise.reject(new Error('none'));
const silent = () => new Promise<never>(() => {});
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A resolver over a DNS that knows good.example, with a system lookup that ends when the test says so. */
function started(dns: Partial<DnsSource>) {
  const clock = new FakeClock();
  const counters = newCounters();
  const { log, lines } = recordingLog();
  const source: DnsSource = { naptr: none, srv: none, a: none, aaaa: none, system: none, ...dns };
  const room = new PeerTables(counters.tables, undefined, log);
  const resolver = new Resolver(clock, countingRandom(), source, undefined, undefined, undefined, undefined, room);
  const ask = (uri: string, asker?: string): Resolution[] => {
    const results: Resolution[] = [];
    resolver.resolve(parseUri(uri) ?? assert.fail(uri), (result) => results.push(result), asker);
    return results;
  };
  return { clock, counters, lines, resolver, ask };
}

const address = [{ address: '192.0.2.1', ttl: 3600 }];

test('names that one source invents do not displace a name in use from the cache', async () => {
  let asked = 0;
  const a = async (name: string) => {
    if (name !== 'good.example') throw new Error('ENOTFOUND');
    asked++;
    return address;
  };
  const { ask } = started({ a });
  ask('sip:good.example:5060');
  await settle();
  for (let i = 0; i < 25_000; i++) {
    ask(`sip:n${i}.example:5060`, HOSTILE);
    if (i % 500 !== 0) continue;
    await settle();
    assert.deepEqual(shown(ask('sip:good.example:5060', GOOD)[0] ?? []), ['udp 192.0.2.1 5060'], `after ${i} names`);
  }
  assert.equal(asked, 1);
});

test('a source whose names the DNS does not answer leaves lookups to others', async () => {
  const a = (name: string) => (name.startsWith('good') ? Promise.resolve(address) : silent());
  const { ask, counters, lines } = started({ a });
  const refused = Array.from({ length: 3000 }, (_, i) => ask(`sip:n${i}.example:5060`, HOSTILE)).flat();
  // A source alone gets eight ninths of 1,000 and one more; the others are answered at once.
  assert.equal(refused.length, 3000 - 889);
  assert.match(String(refused[0]), /too many lookups/);
  assert.equal(counters.tables.lookups.value, 3000 - 889);
  assert.equal(lines.length, 3000 - 889, 'each goes to the log, which is bounded');
  const good = [1, 2, 3].map((n) => ask(`sip:good${n}.example:5060`, GOOD));
  const own = ask('sip:good4.example:5060');
  await settle();
  for (const each of [...good, own]) assert.deepEqual(shown(each[0] ?? []), ['udp 192.0.2.1 5060']);
});

test('a refused lookup is not remembered: the name is looked up when there is room', async () => {
  const waiting: ((error: Error) => void)[] = [];
  const a = (name: string) =>
    name.startsWith('late')
      ? Promise.resolve(address)
      : new Promise<never>((_, reject) => {
          waiting.push(reject);
        });
  const { ask } = started({ a });
  for (let i = 0; i < 1000; i++) ask(`sip:n${i}.example:5060`, HOSTILE);
  assert.match(String(ask('sip:late.example:5060', HOSTILE)[0]), /too many lookups/);
  for (const reject of waiting) reject(new Error('ETIMEOUT'));
  await settle();
  const late = ask('sip:late.example:5060', HOSTILE);
  await settle();
  assert.deepEqual(shown(late[0] ?? []), ['udp 192.0.2.1 5060']);
});

test('lookups of the operating system that one source causes do not delay those of another', async () => {
  const ended: (() => void)[] = [];
  const began: string[] = [];
  const system = (name: string) => {
    began.push(name);
    return new Promise<{ address: string; family: number }[]>((resolve) =>
      ended.push(() => resolve(name === 'good.lan' ? [{ address: '192.0.2.9', family: 4 }] : [])),
    );
  };
  const { ask } = started({ system });
  for (let i = 0; i < 500; i++) ask(`sip:n${i}.example:5060`, HOSTILE);
  await settle();
  const good = ask('sip:good.lan:5060', GOOD);
  await settle();
  for (let i = 0; i < 4 && !began.includes('good.lan'); i++) {
    ended.shift()?.();
    await settle();
  }
  assert.ok(began.indexOf('good.lan') < 5, `after ${began.indexOf('good.lan')} others`);
  while (ended.length > 0) ended.pop()?.();
  await settle();
  assert.deepEqual(shown(good[0] ?? []), ['udp 192.0.2.9 5060']);
});

test('a name server that is silent about NAPTR and SRV still gives addresses in time', async () => {
  for (const quiet of ['NAPTR', 'SRV', 'both', 'first SRV']) {
    const srv = (name: string) => {
      if (quiet === 'NAPTR') return none();
      if (quiet !== 'first SRV' || name.startsWith('_sip._udp')) return silent();
      return name.startsWith('_sip._tcp')
        ? Promise.resolve([{ name: 'gw.example', port: 5070, priority: 1, weight: 1 }])
        : none();
    };
    const naptr = () => (quiet === 'NAPTR' || quiet === 'both' ? silent() : none());
    const a = () => Promise.resolve(address);
    const { ask, clock } = started({ naptr, srv, a });
    const results = ask('sip:gw.example', GOOD);
    let ms = 0;
    for (; ms < 5000 && results.length === 0; ms += 50) {
      await settle();
      clock.advance(50);
    }
    const wanted = quiet === 'first SRV' ? ['tcp 192.0.2.1 5070'] : ['udp 192.0.2.1 5060'];
    assert.deepEqual(shown(results[0] ?? assert.fail(`${quiet}: none`)), wanted, quiet);
    assert.ok(ms <= 4000, `${quiet}: ${ms} ms`);
  }
});

test('a name server that needs a second for each answer does not change the order of transports, and a late answer is used soon', async () => {
  let slow = 1000;
  const { ask, clock } = started({
    srv: (name) => {
      const port = name.startsWith('_sip._udp') ? 5070 : name.startsWith('_sip._tcp') ? 5080 : undefined;
      const ms = port === 5080 ? Math.min(slow, 1000) : slow;
      return new Promise((resolve, reject) => {
        const answer = () =>
          port === undefined
            ? reject(new Error('none'))
            : resolve([{ name: 'gw.example', port, priority: 1, weight: 1 }]);
        clock.schedule(ms, answer);
      });
    },
    a: () => Promise.resolve(address),
  });
  const found = async (uri: string): Promise<string[]> => {
    const results = ask(uri, GOOD);
    for (let ms = 0; ms < 5000 && results.length === 0; ms += 50) {
      await settle();
      clock.advance(50);
    }
    return shown(results[0] ?? assert.fail('none'));
  };
  assert.deepEqual(await found('sip:gw.example'), ['udp 192.0.2.1 5070']);
  slow = 4000;
  assert.deepEqual(await found('sip:other.example'), ['tcp 192.0.2.1 5080']);
  slow = 100;
  clock.advance(16_000);
  assert.deepEqual(await found('sip:other.example'), ['udp 192.0.2.1 5070']);
});

test('while the DNS is silent, a name keeps its former addresses for an hour', async () => {
  let quiet = false;
  const a = () => (quiet ? silent() : Promise.resolve([{ address: '192.0.2.1', ttl: 30 }]));
  const { ask, clock } = started({ a });
  ask('sip:good.example:5060');
  await settle();
  quiet = true;
  for (const [after, wanted] of [
    [31_000, true],
    [600_000, true],
    [4_000_000, false],
  ] as const) {
    clock.advance(after);
    const results = ask('sip:good.example:5060', GOOD);
    await settle();
    clock.advance(5001);
    assert.equal(results.length, 1);
    if (wanted) assert.deepEqual(shown(results[0] ?? []), ['udp 192.0.2.1 5060'], `after ${after} ms`);
    else assert.match(String(results[0]), /did not answer/);
  }
});

test('a lookup that fails after it was given up does not end the use of former addresses', async () => {
  let quiet = false;
  const { ask, clock } = started({
    a: () =>
      new Promise((resolve, reject) => {
        if (quiet) clock.schedule(12_000, () => reject(new Error('queryA ETIMEOUT good.example')));
        else resolve([{ address: '192.0.2.1', ttl: 30 }]);
      }),
  });
  ask('sip:good.example:5060');
  await settle();
  quiet = true;
  clock.advance(31_000);
  // Some lookups begin before an earlier one has failed, and some after.
  for (let after = 0; after < 120_000; after += 7000) {
    const results = ask('sip:good.example:5060', GOOD);
    await settle();
    clock.advance(5001);
    await settle();
    assert.deepEqual(shown(results[0] ?? []), ['udp 192.0.2.1 5060'], `after ${after} ms`);
    clock.advance(1999);
    await settle();
  }
});

test('a queue of several sources gives each one entry in rotation', () => {
  const queue = new FairQueue<string>();
  for (let i = 0; i < 3; i++) queue.push('h', `h${i}`);
  queue.push('g', 'g0');
  assert.equal(queue.length, 4);
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => queue.shift()),
    ['h0', 'g0', 'h1', 'h2', undefined],
  );
  assert.equal(queue.length, 0);
});
