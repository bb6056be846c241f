import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseUri } from '../../../src/core/uri.js';
import { type Address, orderSrv, type Resolution, Resolver } from '../../../src/sip/resolve.js';
import { fakeDns, record, resolverOf, shown } from '../../support/dns-zone.js';
import { FakeClock } from '../../support/fake-clock.js';
import { assertLinear } from '../../support/growth.js';
import { countingRandom } from '../../support/sip-recorder.js';

/** Lets all callbacks run that wait only for promises. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a DNS that is silent', () => {
  const none = () => Promise.reject(new Error('none'));
  const HOST = parseUri('sip:gw.example.com:5060') ?? assert.fail();

  test('is waited for five seconds; a late answer serves the next lookup', async () => {
    const clock = new FakeClock();
    let answer: (records: { address: string; ttl: number }[]) => void = () => {};
    const a = () => new Promise<{ address: string; ttl: number }[]>((resolve) => (answer = resolve));
    const resolver = new Resolver(clock, countingRandom(), { naptr: none, srv: none, aaaa: none, system: none, a });
    const results: Resolution[] = [];
    for (let i = 0; i < 2; i++) resolver.resolve(HOST, (result) => results.push(result));
    clock.advance(4990);
    assert.equal(results.length, 0);
    clock.advance(20);
    assert.equal(results.length, 2);
    assert.match(String(results[0]), /did not answer for gw.example.com in time/);
    resolver.resolve(HOST, (result) => results.push(result));
    assert.match(String(results[2]), /in time/, 'remembered, not asked again at once');
    answer([{ address: '192.0.2.9', ttl: 60 }]);
    await settle();
    resolver.resolve(HOST, (result) => results.push(result));
    assert.deepEqual([results.length, shown(results[3] ?? [])], [4, ['udp 192.0.2.9 5060']]);
    clock.advance(10_000);
    assert.equal(results.length, 4, 'each is called once');
  });

  test('counts a lookup that takes half a second as slow, and reports it once', async () => {
    const clock = new FakeClock();
    const slow: [string, number][] = [];
    const at = (address: string) => Promise.resolve([{ address, ttl: 60 }]);
    const a = (name: string) => (name === 'gw.example.com' ? new Promise<never>(() => {}) : at('192.0.2.1'));
    const dns = { naptr: none, srv: none, aaaa: none, system: none, a };
    const resolver = new Resolver(clock, countingRandom(), dns, undefined, undefined, (...each) => slow.push(each));
    resolver.resolve(HOST, () => {});
    resolver.resolve(parseUri('sip:quick.example.com:5060') ?? assert.fail(), () => {});
    await settle();
    clock.advance(5000);
    await settle();
    clock.advance(5000);
    assert.deepEqual(resolver.figures, { queries: 2, slow: 1 });
    assert.deepEqual(
      slow.map(([name]) => name),
      ['gw.example.com'],
    );
  });

  test('about a part of the names does not delay answers about the others', async () => {
    const clock = new FakeClock();
    const silent = () => new Promise<never>(() => {});
    const at = (address: string) => Promise.resolve([{ address, ttl: 60 }]);
    const srv = (name: string) =>
      name === '_sip._udp.example.com'
        ? Promise.resolve(['dead', 'v4', 'v6'].map((each, i) => ({ name: each, port: 5070, priority: i, weight: 0 })))
        : none();
    const resolver = new Resolver(clock, countingRandom(), {
      naptr: silent,
      srv,
      a: (name) => (name === 'v4' ? at('192.0.2.1') : name === 'v6' ? none() : silent()),
      aaaa: (name) => (name === 'v6' ? at('2001:db8::1') : silent()),
      system: none,
    });
    const results: Resolution[] = [];
    const ask = () => resolver.resolve(parseUri('sip:example.com') ?? assert.fail(), (each) => results.push(each));
    ask();
    for (const ms of [1260, 1260, 1260]) {
      await settle();
      clock.advance(ms);
    }
    await settle();
    assert.deepEqual(shown(results[0] ?? []), ['udp 192.0.2.1 5070', 'udp 2001:db8::1 5070']);
    // A missing answer is requested again before the time to live of the others is over.
    clock.advance(14_000);
    ask();
    assert.equal(results.length, 2);
    clock.advance(2000);
    ask();
    assert.equal(results.length, 2);
  });

  test('about its first SRV targets leaves time for the others', async () => {
    const silent = () => new Promise<never>(() => {});
    for (const [naptr, dead] of [none, silent].flatMap((each) =>
      [1, 2, 3, 4, 5, 7].map((count) => [each, count] as const),
    )) {
      const names = [...Array.from({ length: dead }, (_, i) => `dead${i}`), 'gw', 'gw'];
      const targets = names.map((name, i) => ({ name, port: 5070, priority: i, weight: 0 }));
      const srv = (name: string) => (name === '_sip._udp.example.com' ? Promise.resolve(targets) : none());
      const a = (name: string) => (name === 'gw' ? Promise.resolve([{ address: '192.0.2.1', ttl: 60 }]) : silent());
      const clock = new FakeClock();
      const resolver = new Resolver(clock, countingRandom(), { naptr, srv, a, aaaa: none, system: none });
      const results: Resolution[] = [];
      resolver.resolve(parseUri('sip:example.com') ?? assert.fail(), (each) => results.push(each));
      for (let ms = 0; ms < 4000; ms += 50) {
        await settle();
        clock.advance(50);
      }
      await settle();
      assert.deepEqual(shown(results[0] ?? []), Array(2).fill('udp 192.0.2.1 5070'), `${dead} are silent`);
    }
  });

  test('with hundreds of records in its answers is not asked about further names of its domain for a minute', async () => {
    const clock = new FakeClock();
    let asked = 0;
    const many = (name: string) => {
      asked++;
      if (!name.toLowerCase().endsWith('evil.example')) return none();
      return Promise.resolve(Array.from({ length: 3000 }, (_, i) => ({ address: `192.0.2.${i % 250}`, ttl: 0 })));
    };
    const dns = { naptr: none, srv: none, a: many, aaaa: none, system: none };
    const resolver = new Resolver(clock, countingRandom(), dns);
    const ask = async (name: string): Promise<Resolution> => {
      let result: Resolution | undefined;
      resolver.resolve(parseUri(`sip:${name}:5060`) ?? assert.fail(), (each) => {
        result = each;
      });
      await settle();
      return result ?? assert.fail('no answer');
    };
    for (let i = 0; i < 50; i++) await ask(`host${i}.a${i}.Evil.example`);
    assert.equal(asked, 4);
    assert.match(String(await ask('evil.example')), /hundreds of records/);
    await ask('gw.good.example');
    assert.equal(asked, 5, 'other domains are asked about');
    clock.advance(61_000);
    assert.ok(Array.isArray(await ask('host50.evil.example')));
  });

  test('with hundreds of records for names of one owner is asked about names of others in the same domain', async () => {
    const clock = new FakeClock();
    let evil = false;
    const answer = (name: string) => {
      const records = evil && name.startsWith('evil') ? 3000 : 1;
      return Promise.resolve(Array.from({ length: records }, (_, i) => ({ address: `192.0.2.${i % 250}`, ttl: 1 })));
    };
    const resolver = new Resolver(clock, countingRandom(), {
      naptr: none,
      srv: none,
      a: answer,
      aaaa: none,
      system: none,
    });
    const ask = async (name: string): Promise<Resolution> => {
      let result: Resolution | undefined;
      resolver.resolve(parseUri(`sip:${name}:5060`) ?? assert.fail(), (each) => {
        result = each;
      });
      await settle();
      return result ?? assert.fail('no answer');
    };
    await ask('gw.dyn.example');
    await ask('evil99.dyn.example');
    evil = true;
    clock.advance(30_000);
    for (let i = 0; i < 20; i++) {
      await ask(`evil${i}.dyn.example`);
      await ask(`evil${i}.co.uk`);
    }
    assert.match(String(await ask('other.dyn.example')), /hundreds of records/);
    assert.ok(Array.isArray(await ask('GW.dyn.example')), 'a name that had ordinary answers');
    assert.ok(Array.isArray(await ask('gw.carrier.co.uk')), 'domains under co.uk have owners of their own');
    await ask('evil99.dyn.example');
    clock.advance(2_000);
    assert.match(String(await ask('evil99.dyn.example')), /hundreds of records/, 'no longer ordinary');
  });

  test('has at most two lookups by the operating system, which occupy threads, at a time', async () => {
    const open: (() => void)[] = [];
    let max = 0;
    const system = () =>
      new Promise<never>((_, reject) => {
        open.push(() => reject(new Error('none')));
        max = Math.max(max, open.length);
      });
    const dns = { naptr: none, srv: none, aaaa: none, a: none, system };
    const resolver = new Resolver(new FakeClock(), countingRandom(), dns);
    let ended = 0;
    for (let i = 0; i < 7; i++) {
      resolver.resolve(parseUri(`sip:h${i}.example.com:5060`) ?? assert.fail(), () => ended++);
    }
    for (let i = 0; i < 50 && ended < 7; i++) {
      await settle();
      for (const end of open.splice(0)) end();
    }
    assert.deepEqual([ended, max], [7, 2]);
  });
});

describe('a DNS that answers with thousands of records', () => {
  const addresses = Array.from({ length: 4000 }, (_, i) => ({ address: `127.1.${i >> 8}.${i & 255}`, ttl: 60 }));

  test('32 addresses of one name are used, of both families and from all SRV targets', async () => {
    const { ask } = resolverOf({
      srv: { '_sip._udp.many.test': Array.from({ length: 3000 }, (_, i) => record('gw.test', i, 1)) },
      a: { 'gw.test': addresses },
    });
    assert.equal(((await ask('sip:gw.test:5060')) as Address[]).length, 32);
    assert.equal(((await ask('sip:many.test;transport=udp')) as Address[]).length, 32);
  });

  test('eight services of NAPTR records are looked up, and sixteen targets of SRV records', async () => {
    const { ask, dns } = resolverOf({
      naptr: {
        'many.test': Array.from({ length: 1000 }, (_, i) => ({
          flags: 's',
          service: 'SIP+D2U',
          replacement: `s${i}.test`,
          order: i,
          preference: 0,
        })),
      },
      srv: { 's7.test': Array.from({ length: 3000 }, (_, i) => record(`t${i}.test`, 0, 5)) },
    });
    assert.ok((await ask('sip:many.test')) instanceof Error);
    assert.equal(dns.asked.filter((each) => each.startsWith('SRV')).length, 8);
    assert.equal(dns.asked.filter((each) => each.startsWith('A t')).length, 16);
  });

  test('a name with large answers is looked up only until an address is found', async () => {
    const services = Array.from({ length: 300 }, (_, i) => ({
      flags: 's',
      service: 'SIP+D2U',
      replacement: `s${i}.test`,
      order: i,
      preference: 0,
    }));
    const targets = Array.from({ length: 300 }, (_, i) => record(`t${i}.test`, i, 5));
    const hosts = (name: string) =>
      Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`${name}${i}.test`, addresses]));
    const all = { naptr: { 'all.test': services }, srv: { 's0.test': targets }, a: hosts('t') };
    const { ask, dns } = resolverOf(all);
    assert.equal(((await ask('sip:all.test')) as Address[]).length, 32);
    assert.deepEqual(dns.asked, ['NAPTR all.test', 'SRV s0.test', 'A t0.test', 'AAAA t0.test']);
    // With few targets and large answers two are queried in parallel.
    const few = resolverOf({ srv: { '_sip._udp.few.test': targets.slice(0, 16) }, a: hosts('t') });
    assert.equal(((await few.ask('sip:few.test;transport=udp')) as Address[]).length, 32);
    assert.equal(few.dns.asked.filter((each) => each.startsWith('A ')).length, 2);
    // Large answers without usable records are not requested repeatedly.
    const none = resolverOf({
      naptr: { 'none.test': services },
      srv: Object.fromEntries(
        services.map(({ replacement }) => [replacement, targets.map((each) => ({ ...each, name: '.' }))]),
      ),
    });
    const answer = await none.ask('sip:none.test');
    assert.match((answer as Error).message, /^the DNS answers for none\.test with hundreds of records each time$/);
    assert.equal(none.dns.asked.length, 3);
  });

  test('a name with more records than are used is reported, with their number', async () => {
    const reported: unknown[] = [];
    const dns = fakeDns({
      srv: { '_sip._udp.many.test': Array.from({ length: 17 }, (_, i) => record('gw.test', i, 1)) },
      a: { 'gw.test': addresses.slice(0, 33), 'good.test': addresses.slice(0, 32) },
    });
    const report = (...line: unknown[]) => reported.push(line);
    const resolver = new Resolver(new FakeClock(), countingRandom(), dns, undefined, undefined, undefined, report);
    const ask = (uri: string) => new Promise((done) => resolver.resolve(parseUri(uri) ?? assert.fail(uri), done));
    await ask('sip:good.test:5060');
    assert.deepEqual(reported, []);
    await ask('sip:many.test;transport=udp');
    assert.deepEqual(reported.slice(0, 2), [
      ['_sip._udp.many.test', 'SRV', 17, 16],
      ['gw.test', 'A', 33, 32],
    ]);
  });

  test('the first of thousands of SRV records are drawn in time in proportion to their number', () => {
    for (const priorityOf of [(i: number) => i, () => 1]) {
      const many = (count: number) => Array.from({ length: count }, (_, i) => record('t', priorityOf(i), 7));
      const cases = [{ name: 'records', make: (length: number) => String(length) }];
      const run = (count: string): void => {
        assert.equal(orderSrv(many(Number(count)), countingRandom(), 16).length, 16);
      };
      assertLinear('orderSrv', cases, run, { lengths: [8192, 65_536], maxMs: 200, noiseMs: 20 });
    }
  });
});
