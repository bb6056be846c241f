import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { nkeys } from 'nats';
import { systemClock } from '../../src/core/clock.js';
import { nullLogger } from '../../src/core/logger.js';
import { systemRandom } from '../../src/core/random.js';
import { EventIds, statusEvent } from '../../src/events/catalogue.js';
import { encodeNotification } from '../../src/events/encode.js';
import { EventPublisher } from '../../src/events/publisher.js';
import { watchNats } from '../../src/events/sinks/nats-watch.js';
import { stateEntry, stateKey } from '../../src/events/state-entry.js';
import { renderEvent } from '../../src/events/watch.js';
import { flip, makeDestination } from '../support/event-fixtures.js';
import {
  assertExactlyOnceInOrder,
  delivered,
  keysIn,
  LIMIT,
  NatsBench,
  settings,
  stored,
  stream,
  transitions,
  watcher,
  withoutNats,
} from '../support/nats-fixtures.js';
import { requireTool } from '../support/servers.js';
import { until } from '../support/until.js';

describe('states, requests and access on NATS', { timeout: 120_000, skip: withoutNats }, () => {
  test('the bucket has the destinations of the snapshot: new ones are written, changes too, and removed ones deleted', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const config = settings(nats.url, { jetstream: stream, bucket: 'DISPATCHER_STATE' });
    const ours = bench.bus(config);
    const first = makeDestination({ uri: 'sip:10.0.0.1' });
    const second = makeDestination({ uri: 'sip:10.0.0.2', socket: 'udp:127.0.0.1:5060' });
    ours.syncSnapshot(() => [stateEntry(first, 'sw1'), stateEntry(second, 'sw1')]);
    await ours.start();
    assert.ok(await ours.bucketSettled(LIMIT));
    const nc = await bench.client(nats.url);
    const kv = await nc.jetstream().views.kv('DISPATCHER_STATE');
    const keyOf = (each: typeof first) => stateKey(stateEntry(each, 'sw1'));
    const read = async (key: string) => (await kv.get(key))?.json<{ status: string; address: string; seq: number }>();
    assert.equal((await read(keyOf(first)))?.status, 'active');
    assert.equal((await read(keyOf(second)))?.address, 'sip:10.0.0.2');

    flip(first);
    ours.putState(stateEntry(first, 'sw1'));
    assert.ok(await ours.bucketSettled(LIMIT));
    assert.deepEqual([(await read(keyOf(first)))?.status, (await read(keyOf(first)))?.seq], ['inactive', 1]);

    await kv.put('other.1.0123456789abcdef', JSON.stringify({ partition: 'other', node: 'sw2' }));
    const revision = (await kv.get(keyOf(first)))?.revision;
    ours.syncSnapshot([stateEntry(first, 'sw1')]);
    assert.ok(await ours.bucketSettled(LIMIT));
    const keys = await keysIn(kv);
    assert.deepEqual(keys.sort(), [keyOf(first), 'other.1.0123456789abcdef'].sort());
    assert.equal((await kv.get(keyOf(first)))?.revision, revision, 'what did not change is not written again');

    await nats.kill();
    flip(first);
    ours.putState(stateEntry(first, 'sw1'));
    await nats.restart();
    assert.ok(await ours.bucketSettled(LIMIT));
    await nc.flush();
    assert.equal((await read(keyOf(first)))?.status, 'active');
  });

  test('MI requests are answered, also under the subject of the node, and NATS tools find the service', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const answer = async (text: string) => {
      if (text === 'boom') throw new Error('secret detail');
      if (text === 'big') return 'x'.repeat(2 ** 20 + 1);
      return text === 'notification' ? undefined : `{"got":${text}}`;
    };
    const ours = bench.bus(settings(nats.url), { node: 'sw.1', mi: { answer } });
    await ours.start();
    const nc = await bench.client(nats.url);
    await until('connected', () => ours.connected);
    await until('registered', async () => {
      const pong = await nc.request('$SRV.PING', undefined, { timeout: 500 }).catch(() => undefined);
      return pong?.json<{ name: string }>().name === 'switchyard';
    });
    const ask = async (subject: string, text: string) => (await nc.request(subject, text, { timeout: 1000 })).string();
    assert.equal(await ask('opensips.mi', '1'), '{"got":1}');
    assert.equal(await ask('opensips.mi.sw=2E1', '2'), '{"got":2}');
    assert.equal(await ask('opensips.mi', 'notification'), '');
    assert.match(await ask('opensips.mi', 'boom'), /"code":-32603/);
    assert.match(await ask('opensips.mi', 'big'), /ask for a part/);
    const info = (await nc.request('$SRV.INFO.switchyard')).json<{
      version: string;
      endpoints: { subject: string }[];
    }>();
    assert.equal(info.version, '0.1.0');
    assert.deepEqual(
      info.endpoints.map((each) => each.subject),
      ['opensips.mi', 'opensips.mi.sw=2E1', 'opensips.mi.*.*'],
    );
    await nats.kill();
    await until('noticed', () => !ours.connected);
    await nats.restart();
    await until('back', () => ours.connected);
    await until('answers again', async () => (await ask('opensips.mi', '3').catch(() => '')) === '{"got":3}');
  });

  test('MI requests are not captured by the stream', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const ours = bench.bus(settings(nats.url, { jetstream: stream }), { mi: { answer: async () => 'OK' } });
    await ours.start();
    const raised = await transitions((event) => ours.publish(event), 3);
    await delivered(ours);
    const nc = await bench.client(nats.url);
    assert.equal((await nc.request('opensips.mi', '{}', { timeout: 5000 })).string(), 'OK');
    assertExactlyOnceInOrder(raised, await stored(nc, 'DISPATCHER'));
  });

  test('a subscriber that gives a socket nats:subject gets the events under that subject', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const seen = await watcher(await bench.client(nats.url), 'ops.alarms');
    const ours = bench.bus(settings(nats.url));
    await ours.start();
    await until('connected', () => ours.connected);
    const target = ours.sink.parse('nats:ops.alarms');
    const event = statusEvent(flip(makeDestination()), new EventIds('sw1', systemRandom));
    await target.deliver(event);
    await until('one event', () => seen.length === 1);
    assert.equal(seen[0]?.text, encodeNotification(event));
    const publisher = new EventPublisher({ clock: systemClock, log: nullLogger, sinks: [ours.sink] });
    publisher.subscribe('E_DISPATCHER_STATUS', 'nats:ops.alarms');
    await nats.kill();
    await until('noticed', () => !ours.connected);
    const late = statusEvent(flip(makeDestination()), new EventIds('sw1', systemRandom));
    publisher.raise(late);
    await nats.restart();
    await until('delivered after the outage', () => publisher.stats().depth === 0);
    assert.equal(publisher.stats().dropped, 0);
    await publisher.stop();
    for (const bad of ['nats:', 'nats:a b', 'nats:a.>', 'nats:$SYS.x', 'udp:127.0.0.1:1', 'nats:a..b']) {
      assert.throws(() => ours.sink.parse(bad), { code: 'USAGE' });
    }
  });

  test('user and password of the URL are used, and in no output', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server({ args: ['--user', 'disp', '--pass', 's3cret'] });
    const lines: string[] = [];
    const write = (fields: object, message: string) => void lines.push(JSON.stringify(fields) + message);
    const log = { ...nullLogger, info: write, warn: write, error: write };
    const wrong = bench.bus(settings(`nats://disp:wr0ng@127.0.0.1:${nats.port}`), { log });
    const right = bench.bus(settings(`nats://disp:s3cret@127.0.0.1:${nats.port}`), { log });
    await wrong.start();
    await right.start();
    await until('connected', () => right.connected);
    await until('refused', () => lines.some((line) => line.includes('cannot be reached')));
    assert.equal(wrong.connected, false);
    assert.doesNotMatch(lines.join('\n'), /s3cret|wr0ng/);
  });

  test('a bucket that is removed while the daemon runs is made again, with all its entries', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const ours = bench.bus(settings(nats.url, { jetstream: stream, bucket: 'STATES' }));
    const all = Array.from({ length: 150 }, (_, i) => makeDestination({ uri: `sip:10.0.1.${i}` }));
    ours.syncSnapshot(() => all.map((each) => stateEntry(each, 'sw1')));
    await ours.start();
    assert.ok(await ours.bucketSettled(LIMIT));
    const nc = await bench.client(nats.url);
    await (await nc.jetstreamManager()).streams.delete('KV_STATES');
    const [first] = all as [ReturnType<typeof makeDestination>];
    flip(first);
    ours.putState(stateEntry(first, 'sw1'));
    assert.ok(await ours.bucketSettled(LIMIT));
    const kv = await nc.jetstream().views.kv('STATES');
    assert.equal((await kv.status()).values, 150);
    assert.equal((await kv.get(stateKey(stateEntry(first, 'sw1'))))?.json<{ state: string }>().state, 'probing');
  });

  test('watch shows the events of all partitions or of one, until it is ended', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const ours = bench.bus(settings(nats.url));
    await ours.start();
    const ids = new EventIds('sw1', systemRandom);
    const seen: Record<string, string[]> = { all: [], acme: [], set: [] };
    const watch = (name: string, filter: { partition?: string; group?: number }) => {
      const abort = new AbortController();
      const options = { clock: systemClock, log: nullLogger, signal: abort.signal, ...filter };
      const done = (async () => {
        for await (const event of watchNats(settings(nats.url), options)) seen[name]?.push(renderEvent(event));
      })();
      return { abort, done };
    };
    const watches = [watch('all', {}), watch('acme', { partition: 'ac.me' }), watch('set', { group: 2 })];
    const nudge = makeDestination({ partition: 'ac.me', setId: 2, uri: 'sip:nudge' });
    await until('all subscribed', () => {
      ours.publish(statusEvent(flip(nudge), ids));
      return Object.values(seen).every((lines) => lines.length > 0);
    });
    ours.publish(statusEvent(flip(makeDestination({ partition: 'ac.me', uri: 'sip:one' })), ids));
    ours.publish(statusEvent(flip(makeDestination({ partition: 'other', setId: 2, uri: 'sip:two' })), ids));
    ours.publish(statusEvent(flip(makeDestination({ partition: 'ac.me', setId: 2, uri: 'sip:end' })), ids));
    await until('all seen', () => Object.values(seen).every((lines) => lines.at(-1)?.includes('sip:end')));
    const uris = (name: string) => seen[name]?.map((line) => line.split(' ')[3]).filter((uri) => uri !== 'sip:nudge');
    assert.deepEqual(uris('all'), ['sip:one', 'sip:two', 'sip:end']);
    assert.deepEqual(uris('acme'), ['sip:one', 'sip:end']);
    assert.deepEqual(uris('set'), ['sip:two', 'sip:end']);
    for (const { abort } of watches) abort.abort();
    await Promise.all(watches.map(({ done }) => done));
  });

  test('the authority of the settings and an nkey are used for TLS', async (t) => {
    const openssl = requireTool(t, 'openssl');
    if (openssl === undefined) return;
    const bench = new NatsBench(t);
    const folder = mkdtempSync(join(tmpdir(), 'nats-tls-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const cert = join(folder, 'cert.pem');
    const key = join(folder, 'key.pem');
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync(openssl, ['req', '-x509', ...ec, '-keyout', key, '-out', cert, '-days', '2', ...subject], {
      stdio: 'ignore',
    });
    const user = nkeys.createUser();
    const config = join(folder, 'nats.conf');
    writeFileSync(config, `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }\n`);
    const nats = await bench.server({ args: ['-c', config, '--tls', '--tlscert', cert, '--tlskey', key] });
    const nkeySeed = new TextDecoder().decode(user.getSeed());
    const ours = bench.bus(settings(`tls://127.0.0.1:${nats.port}`, { tls: { ca: cert }, nkeySeed }));
    const stranger = bench.bus(settings(`tls://127.0.0.1:${nats.port}`, { nkeySeed }));
    await Promise.all([ours.start(), stranger.start()]);
    await until('connected', () => ours.connected);
    assert.equal(stranger.connected, false, 'a certificate of an unknown authority is refused');
  });
});
