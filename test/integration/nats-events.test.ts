import assert from 'node:assert/strict';
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { connect, type NatsConnection, StringCodec } from 'nats';
import { systemClock } from '../../src/core/clock.js';
import { nullLogger } from '../../src/core/logger.js';
import { systemRandom } from '../../src/core/random.js';
import { EventIds, statusEvent } from '../../src/events/catalogue.js';
import { encodeNotification } from '../../src/events/encode.js';
import type { DispatcherEvent } from '../../src/events/event.js';
import { createNats, type NatsBus, type NatsDeps, type NatsSettings } from '../../src/events/sinks/nats.js';
import { stateEntry, stateKey } from '../../src/events/state-entry.js';
import { flip, makeDestination } from '../support/event-fixtures.js';
import { freePort } from '../support/ports.js';
import { startRestartableNats } from '../support/restartable-nats.js';

const codec = StringCodec();
const LIMIT = 30_000;
/** For clients of the tests that live through a restart of the server. */
const eager = { maxReconnectAttempts: -1, reconnectTimeWait: 20 };

function settings(server: string, more: Partial<NatsSettings> = {}): NatsSettings {
  return {
    servers: [server],
    prefix: 'opensips',
    jetstream: undefined,
    bucket: undefined,
    user: undefined,
    pass: undefined,
    token: undefined,
    nkeySeed: undefined,
    credsFile: undefined,
    tls: undefined,
    ...more,
  };
}

const deps: NatsDeps = { clock: systemClock, log: nullLogger, node: 'sw1', version: '0.1.0' };
const stream = { stream: 'DISPATCHER', outboxLimit: 10_000 };

/** A TCP relay before a server, which can be shut while the server is up. */
class Relay {
  private listener: Server | undefined;
  private readonly sockets = new Set<Socket>();
  private port = 0;

  constructor(private readonly to: number) {}

  async open(): Promise<number> {
    const listener = createServer((near) => {
      const far = dial(this.to, '127.0.0.1');
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.sockets.add(one);
        one.on('error', () => {});
        one.on('close', () => {
          this.sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    this.listener = listener;
    await new Promise<void>((resolve) => listener.listen(this.port, '127.0.0.1', resolve));
    this.port = (listener.address() as AddressInfo).port;
    return this.port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => (this.listener?.listening ? this.listener.close(resolve) : resolve(undefined)));
  }
}

/** Polls something that has no event to wait for, within a deadline. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + LIMIT;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${LIMIT} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const delivered = (bus: NatsBus) => until('outbox empty', () => bus.stats().depth === 0);

async function watcher(url: string, subject: string) {
  const nc = await connect({ servers: url });
  const seen: { subject: string; text: string }[] = [];
  nc.subscribe(subject, {
    callback: (_error, message) => seen.push({ subject: message.subject, text: message.string() }),
  });
  await nc.flush();
  return { nc, seen };
}

/** Every message of the stream, in its order. */
async function stored(nc: NatsConnection, name: string): Promise<{ id: string; text: string }[]> {
  const manager = await nc.jetstreamManager();
  const info = await manager.streams.info(name);
  const messages: { id: string; text: string }[] = [];
  for (let seq = info.state.first_seq; seq <= info.state.last_seq; seq++) {
    const message = await manager.streams.getMessage(name, { seq });
    messages.push({ id: message.header.get('Nats-Msg-Id'), text: codec.decode(message.data) });
  }
  return messages;
}

/** Raises `count` transitions over some destinations; `between` is awaited after each. */
async function transitions(
  publish: (event: DispatcherEvent) => void,
  count: number,
  between: (i: number) => Promise<void> = async () => {},
): Promise<DispatcherEvent[]> {
  const ids = new EventIds('sw1', systemRandom);
  const destinations = Array.from({ length: 7 }, (_, i) =>
    makeDestination({ setId: (i % 3) + 1, uri: `sip:10.0.0.${i}` }),
  );
  const raised: DispatcherEvent[] = [];
  for (let i = 0; i < count; i++) {
    const event = statusEvent(flip(destinations[(i * 5) % 7] as (typeof destinations)[number]), ids);
    raised.push(event);
    publish(event);
    await between(i);
  }
  return raised;
}

/** Each raised event once by id, and each destination's in the order raised. */
function assertExactlyOnceInOrder(
  raised: readonly DispatcherEvent[],
  messages: readonly { id: string; text: string }[],
) {
  assert.deepEqual([...messages.map((each) => each.id)].sort(), raised.map((each) => each.id).sort());
  const texts = new Map(raised.map((each) => [each.id, encodeNotification(each)]));
  const last = new Map<string, number>();
  for (const { id, text } of messages) {
    assert.equal(text, texts.get(id));
    const { address, seq } = JSON.parse(text).params;
    assert.equal(seq, (last.get(address) ?? 0) + 1, `${address} in order`);
    last.set(address, seq);
  }
}

describe('events on NATS', { timeout: 120_000 }, () => {
  const cleanups: (() => Promise<unknown>)[] = [];
  const owned = <T>(thing: T, release: (thing: T) => Promise<unknown>): T => {
    cleanups.push(() => release(thing));
    return thing;
  };
  after(async () => {
    for (const release of cleanups.reverse()) await release();
  });
  const server = async (options: Parameters<typeof startRestartableNats>[0] = {}) =>
    owned(await startRestartableNats(options), (each) => each.stop());
  const bus = (config: NatsSettings, more: Partial<NatsDeps> = {}) =>
    owned(createNats(config, { ...deps, ...more }), (each) => each.stop(100));

  test('a live watcher gets exactly the documented JSON on the documented subject', async () => {
    const nats = await server();
    const { nc, seen } = await watcher(nats.url, 'opensips.E_DISPATCHER_STATUS.>');
    owned(nc, (each) => each.close());
    const ours = bus(settings(nats.url));
    await ours.start();
    const ids = new EventIds('sw1', { uint32: () => 1, token: () => '1a2b' });
    ours.publish(statusEvent(flip(makeDestination()), ids));
    ours.publish(statusEvent(flip(makeDestination({ partition: 'a.b c', setId: 2 })), ids));
    await until('two events', () => seen.length === 2);
    assert.deepEqual(seen[0], {
      subject: 'opensips.E_DISPATCHER_STATUS.acme.1',
      text:
        '{"jsonrpc":"2.0","method":"E_DISPATCHER_STATUS","params":{"partition":"acme","group":1,' +
        '"address":"sip:10.0.0.2:5060","status":"inactive","reason":"negative probing reply","previous":"active",' +
        '"state":"probing","code":503,"seq":1,"time":"2026-11-21T07:00:00.123Z","node":"sw1","id":"sw1:1a2b:1"}}',
    });
    assert.equal(seen[1]?.subject, 'opensips.E_DISPATCHER_STATUS.a=2Eb=20c.2');
  });

  test('a server that is not there at start delays nothing and gets everything when it appears', async () => {
    const port = await freePort();
    const ours = bus(settings(`nats://127.0.0.1:${port}`, { jetstream: stream }));
    const begun = Date.now();
    await ours.start();
    assert.ok(Date.now() - begun < 200, 'start does not wait');
    const raised = await transitions((event) => ours.publish(event), 20);
    assert.equal(ours.connected, false);
    const nats = await server({ port });
    await delivered(ours);
    const nc = owned(await connect({ servers: nats.url }), (each) => each.close());
    assertExactlyOnceInOrder(raised, await stored(nc, 'DISPATCHER'));
  });

  test('SIGKILL and restart of the server amid 200 transitions: each is stored once, in order', async () => {
    const nats = await server();
    const ours = bus(settings(nats.url, { jetstream: stream }));
    await ours.start();
    let killed: Promise<void> | undefined;
    let back: Promise<void> | undefined;
    const raised = await transitions(
      (event) => ours.publish(event),
      200,
      async (i) => {
        await new Promise((resolve) => setImmediate(resolve));
        if (i === 40 || i === 120) await until('some stored', () => ours.stats().published > i / 2);
        // Not awaited: some events are on their way when the server dies.
        if (i === 80) killed = nats.kill();
        if (i === 110) back = killed?.then(() => nats.restart());
        if (i === 120) await back;
      },
    );
    await delivered(ours);
    const nc = owned(await connect({ servers: nats.url }), (each) => each.close());
    assertExactlyOnceInOrder(raised, await stored(nc, 'DISPATCHER'));
    assert.equal(ours.stats().published, 200);
  });

  test('without JetStream nothing raised during an outage is lost for a watcher that reconnects', async () => {
    const nats = await server();
    const relay = owned(new Relay(nats.port), (each) => each.close());
    const ours = bus(settings(`nats://127.0.0.1:${await relay.open()}`));
    await ours.start();
    await until('connected', () => ours.connected);
    await nats.kill();
    const raised = await transitions((event) => ours.publish(event), 50);
    await until('noticed', () => !ours.connected);
    assert.equal(ours.stats().depth, 50);
    // Core NATS keeps nothing: a stream that the test makes after the restart, and before we are let in, is the witness.
    await relay.close();
    await nats.restart();
    const nc = owned(await connect({ servers: nats.url }), (each) => each.close());
    await (await nc.jetstreamManager()).streams.add({ name: 'WITNESS', subjects: ['opensips.>'] });
    await relay.open();
    await delivered(ours);
    assertExactlyOnceInOrder(raised, await stored(nc, 'WITNESS'));
  });

  test('the bucket follows the snapshot: written, changed, and what is gone removed', async () => {
    const nats = await server();
    const config = settings(nats.url, { jetstream: stream, bucket: 'DISPATCHER_STATE' });
    const ours = bus(config);
    const first = makeDestination({ uri: 'sip:10.0.0.1' });
    const second = makeDestination({ uri: 'sip:10.0.0.2', socket: 'udp:127.0.0.1:5060' });
    ours.syncSnapshot(() => [stateEntry(first, 'sw1'), stateEntry(second, 'sw1')]);
    await ours.start();
    assert.ok(await ours.bucketSettled(LIMIT));
    const nc = owned(await connect({ servers: nats.url, ...eager }), (each) => each.close());
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
    const keys: string[] = [];
    for await (const key of await kv.keys()) keys.push(key);
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

  test('MI requests are answered, also at the node, and the service is known to its tools', async () => {
    const nats = await server();
    const answer = async (text: string) => {
      if (text === 'boom') throw new Error('secret detail');
      if (text === 'big') return 'x'.repeat(2 ** 20 + 1);
      return text === 'notification' ? undefined : `{"got":${text}}`;
    };
    const ours = bus(settings(nats.url), { node: 'sw.1', mi: { answer } });
    await ours.start();
    const nc = owned(await connect({ servers: nats.url, ...eager }), (each) => each.close());
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
      ['opensips.mi', 'opensips.mi.sw=2E1'],
    );
    await nats.kill();
    await until('noticed', () => !ours.connected);
    await nats.restart();
    await until('back', () => ours.connected);
    await until('answers again', async () => (await ask('opensips.mi', '3').catch(() => '')) === '{"got":3}');
  });

  test('MI requests are not captured by the stream', async () => {
    const nats = await server();
    const ours = bus(settings(nats.url, { jetstream: stream }), { mi: { answer: async () => 'OK' } });
    await ours.start();
    const raised = await transitions((event) => ours.publish(event), 3);
    await delivered(ours);
    const nc = owned(await connect({ servers: nats.url }), (each) => each.close());
    assert.equal((await nc.request('opensips.mi', '{}', { timeout: 5000 })).string(), 'OK');
    assertExactlyOnceInOrder(raised, await stored(nc, 'DISPATCHER'));
  });

  test('a subscriber that names nats:subject gets the events there', async () => {
    const nats = await server();
    const { nc, seen } = await watcher(nats.url, 'ops.alarms');
    owned(nc, (each) => each.close());
    const ours = bus(settings(nats.url));
    await ours.start();
    await until('connected', () => ours.connected);
    const target = ours.sink.parse('nats:ops.alarms');
    const event = statusEvent(flip(makeDestination()), new EventIds('sw1', systemRandom));
    await target.deliver(event);
    await until('one event', () => seen.length === 1);
    assert.equal(seen[0]?.text, encodeNotification(event));
    for (const bad of ['nats:', 'nats:a b', 'nats:a.>', 'nats:$SYS.x', 'udp:127.0.0.1:1', 'nats:a..b']) {
      assert.throws(() => ours.sink.parse(bad), { code: 'USAGE' });
    }
  });

  test('user and password in the URL are used and shown to nobody', async () => {
    const nats = await server({ args: ['--user', 'disp', '--pass', 's3cret'] });
    const lines: string[] = [];
    const write = (fields: object, message: string) => void lines.push(JSON.stringify(fields) + message);
    const log = { ...nullLogger, info: write, warn: write, error: write };
    const wrong = bus(settings(`nats://disp:wr0ng@127.0.0.1:${nats.port}`), { log });
    const right = bus(settings(`nats://disp:s3cret@127.0.0.1:${nats.port}`), { log });
    await wrong.start();
    await right.start();
    await until('connected', () => right.connected);
    await until('refused', () => lines.some((line) => line.includes('cannot be reached')));
    assert.equal(wrong.connected, false);
    assert.doesNotMatch(lines.join('\n'), /s3cret|wr0ng/);
  });

  test('what cannot be delivered at the end is counted and logged within the bound', async () => {
    const warnings: string[] = [];
    const log = { ...nullLogger, warn: (_fields: object, message: string) => void warnings.push(message) };
    const ours = bus(settings(`nats://127.0.0.1:${await freePort()}`), { log });
    await ours.start();
    await transitions((event) => ours.publish(event), 4);
    const begun = Date.now();
    await ours.stop(200);
    assert.ok(Date.now() - begun < 2000);
    assert.ok(
      warnings.some((line) => line.startsWith('4 events were not delivered')),
      warnings.join('\n'),
    );
  });
});
