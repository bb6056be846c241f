import assert from 'node:assert/strict';
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { connect, type KV, type NatsConnection, StringCodec } from 'nats';
import { systemClock } from '../../src/core/clock.js';
import { nullLogger } from '../../src/core/logger.js';
import { systemRandom } from '../../src/core/random.js';
import { EventIds, statusEvent } from '../../src/events/catalogue.js';
import { encodeNotification } from '../../src/events/encode.js';
import type { DispatcherEvent } from '../../src/events/event.js';
import { createNats, type NatsBus, type NatsSettings } from '../../src/events/sinks/nats.js';
import type { NatsDeps } from '../../src/events/sinks/nats-deps.js';
import { plainNats } from '../../src/events/sinks/nats-settings.js';
import { flip, makeDestination } from './event-fixtures.js';
import { type RestartableNats, startRestartableNats } from './restartable-nats.js';
import { findProgram } from './servers/programs.js';
import { until } from './until.js';

const codec = StringCodec();
export const LIMIT = 30_000;

/** Settings with default values except for the server. */
export function settings(server: string, more: Partial<NatsSettings> = {}): NatsSettings {
  return { ...plainNats(server), ...more };
}

export const deps: NatsDeps = { clock: systemClock, log: nullLogger, node: 'sw1', version: '0.1.0' };
export const stream = { stream: 'DISPATCHER', outboxLimit: 10_000 };

/** Reason to skip suites that start their own servers; false when they can run. */
export const withoutNats =
  process.env['CI'] !== 'true' && findProgram('nats') === undefined ? 'nats-server is not installed' : false;

export const delivered = (bus: NatsBus) => until('outbox empty', () => bus.stats().depth === 0);

/** An independent client that subscribes to a subject. */
export async function watcher(nc: NatsConnection, subject: string): Promise<{ subject: string; text: string }[]> {
  const seen: { subject: string; text: string }[] = [];
  nc.subscribe(subject, {
    callback: (_error, message) => seen.push({ subject: message.subject, text: message.string() }),
  });
  await nc.flush();
  return seen;
}

/** All messages of the stream in order. */
export async function stored(nc: NatsConnection, name: string): Promise<{ id: string; text: string }[]> {
  const manager = await nc.jetstreamManager();
  const info = await manager.streams.info(name);
  const messages: { id: string; text: string }[] = [];
  for (let seq = info.state.first_seq; seq <= info.state.last_seq; seq++) {
    const message = await manager.streams.getMessage(name, { seq });
    messages.push({ id: message.header.get('Nats-Msg-Id'), text: codec.decode(message.data) });
  }
  return messages;
}

/** Raises `count` transitions over several destinations; `between` is awaited after each. */
export async function transitions(
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

/** Each raised event exists once by id, and each destination's events are in the order raised. */
export function assertExactlyOnceInOrder(
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

/** A TCP relay before a server; it can be closed or made silent while the server runs. */
export class Relay {
  private listener: Server | undefined;
  private readonly sockets = new Set<Socket>();
  private port = 0;
  /** While true, data from the server is dropped. */
  swallow = false;

  constructor(private readonly to: number) {}

  /** Resolves with its port, which is the same each time. */
  async open(): Promise<number> {
    const listener = createServer((near) => {
      const far = dial(this.to, '127.0.0.1');
      far.on('data', (chunk) => {
        if (!this.swallow) near.write(chunk);
      });
      near.pipe(far);
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
      }
    });
    this.listener = listener;
    await new Promise<void>((resolve) => listener.listen(this.port, '127.0.0.1', resolve));
    this.port = (listener.address() as AddressInfo).port;
    return this.port;
  }

  /** Closes all connections and accepts no more. */
  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => (this.listener?.listening ? this.listener.close(resolve) : resolve(undefined)));
  }

  /** Closes all connections. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

/** Everything that one test starts; stopped in reverse order at its end. */
export class NatsBench {
  private readonly releases: (() => Promise<unknown>)[] = [];

  constructor(t: TestContext) {
    t.after(async () => {
      for (const release of this.releases.reverse()) await release();
    });
  }

  async server(options: Parameters<typeof startRestartableNats>[0] = {}): Promise<RestartableNats> {
    const server = await startRestartableNats(options);
    this.releases.push(() => server.stop());
    return server;
  }

  bus(config: NatsSettings, more: Partial<NatsDeps> = {}): NatsBus {
    const bus = createNats(config, { ...deps, ...more });
    this.releases.push(() => bus.stop(100));
    return bus;
  }

  /** An independent client that reconnects when the server restarts. */
  async client(url: string): Promise<NatsConnection> {
    const client = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
    this.releases.push(() => client.close());
    return client;
  }

  relay(port: number): Relay {
    const relay = new Relay(port);
    this.releases.push(() => relay.close());
    return relay;
  }
}

/**
 * The keys of a bucket. The client's own listing does not end when all keys arrive before it reads them, as may happen
 * on a busy machine: two seconds without a further key are also taken as its end.
 */
export async function keysIn(kv: KV): Promise<string[]> {
  const listing = await kv.keys();
  const keys: string[] = [];
  let timer = setTimeout(() => listing.stop(), 2000);
  for await (const key of listing) {
    keys.push(key);
    clearTimeout(timer);
    timer = setTimeout(() => listing.stop(), 2000);
  }
  clearTimeout(timer);
  return keys;
}
