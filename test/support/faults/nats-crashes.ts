import assert from 'node:assert/strict';
import { setImmediate as nextIteration, setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection } from 'nats';
import { destinationsOf } from '../../../src/engine/set.js';
import { encodeNotification } from '../../../src/events/encode.js';
import { stateKey } from '../../../src/events/state-entry.js';
import { keysIn } from '../nats-fixtures.js';
import { seededRandom } from '../partitions.js';
import { quantile } from '../quantile.js';
import { startRestartableNats } from '../restartable-nats.js';
import { until } from '../until.js';
import { deadRows, type FaultBench, type RunningDaemon } from './bench.js';

const STREAM = 'DISPATCHER';
const BUCKET = 'DISPATCHER_STATE';

export interface StoredEvent {
  readonly id: string;
  readonly text: string;
}

/** All status events of the stream in order, read by an independent consumer; the stream also has audit records. */
export async function storedEvents(nc: NatsConnection, stream = STREAM): Promise<StoredEvent[]> {
  const manager = await nc.jetstreamManager();
  const { messages } = (await manager.streams.info(stream)).state;
  const events: StoredEvent[] = [];
  if (messages === 0) return events;
  const consumer = await nc.jetstream().consumers.get(stream);
  const iterator = await consumer.consume({ max_messages: 500 });
  let read = 0;
  for await (const message of iterator) {
    if (message.subject.includes('.E_DISPATCHER_STATUS.')) {
      events.push({ id: message.headers?.get('Nats-Msg-Id') ?? '', text: message.string() });
    }
    if (++read === messages) break;
  }
  return events;
}

/**
 * Each raised event is in the stream exactly once and unchanged; the events of each destination are in order and
 * without gaps.
 */
export function assertNothingLost(running: RunningDaemon, stored: readonly StoredEvent[]): void {
  assert.deepEqual(stored.map((each) => each.id).sort(), running.events.map((each) => each.id).sort());
  const raised = new Map(running.events.map((event) => [event.id, encodeNotification(event)]));
  const last = new Map<string, { seq: number; status: string }>();
  for (const { id, text } of stored) {
    assert.equal(text, raised.get(id));
    const { partition, group, address, seq, previous, status } = JSON.parse(text).params;
    const key = `${partition} ${group} ${address}`;
    const before = last.get(key);
    assert.equal(seq, (before?.seq ?? 0) + 1, `${key} in order`);
    assert.equal(previous, before?.status ?? 'active', `${key} goes on from where it was`);
    assert.notEqual(previous, status, `${key}: no event without a change`);
    last.set(key, { seq, status });
  }
}

/** The bucket contains the present state of each destination and nothing else. */
export async function assertBucketRight(running: RunningDaemon, nc: NatsConnection): Promise<void> {
  const kv = await nc.jetstream().views.kv(BUCKET);
  const wanted = new Map<string, string>();
  for (const partition of running.daemon.engine.partitions) {
    for (const { row, setId, health } of destinationsOf(partition.snapshot)) {
      const key = stateKey({ partition: partition.name, group: setId, address: row.uri, socket: row.socket });
      wanted.set(key, `${health.state} ${health.seq}`);
    }
  }
  const read = async () => {
    const found = new Map<string, string>();
    // The client's iterator drops keys when its reader is slow: the keys are read first.
    const keys = await keysIn(kv);
    for (const key of keys) {
      const entry = await kv.get(key);
      // The key may have been removed since the listing.
      if (entry?.operation !== 'PUT') continue;
      const { state, seq } = entry.json<{ state: string; seq: number }>();
      found.set(key, `${state} ${seq}`);
    }
    return found;
  };
  const sorted = (map: Map<string, string>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  await until('bucket right', async () => {
    const found = await read();
    return JSON.stringify(sorted(found)) === JSON.stringify(sorted(wanted));
  });
}

export function natsSettings(url: string, outboxLimit?: number): object {
  return {
    servers: [url],
    bucket: BUCKET,
    jetstream: { stream: STREAM, ...(outboxLimit === undefined ? {} : { outbox_limit: outboxLimit }) },
  };
}

/**
 * NATS is killed and restarted while a daemon changes states by MI: checks the final content of the stream and the
 * bucket.
 */
export async function natsCrashes(
  bench: FaultBench,
  size: { readonly kills: number; readonly transitions: number; readonly seed: number },
): Promise<{ events: number; retries: number; reconnectMs: number }> {
  const random = seededRandom(size.seed);
  const nats = await startRestartableNats();
  bench.defer(() => nats.stop());
  const rows = deadRows(40);
  const running = await bench.daemon({
    settings: { modparam: { db_url: await bench.sqlite(rows) }, events: { nats: natsSettings(nats.url) } },
  });
  await until('connected', () => running.metric('switchyard_nats_connected') === 1);
  const every = Math.floor(size.transitions / size.kills);
  let outage: Promise<void> = Promise.resolve();
  for (let i = 0; i < size.transitions; i++) {
    const uri = rows[random.uint32() % rows.length]?.uri as string;
    const { state } = running.destination('default', 1, uri).health;
    await running.mark(state === 'active' ? 'i' : 'a', 1, uri);
    if (i % every === every >> 1) {
      await outage;
      // Killed while events are in flight, and down for a different time in each round; changes continue meanwhile.
      const pause = random.uint32() % 200;
      outage = nats
        .kill()
        .then(() => sleep(pause))
        .then(() => nats.restart());
    }
    if (i % 5 === 0) await nextIteration();
    if (i % 40 === 0) await sleep(random.uint32() % 20);
  }
  await outage;
  const recovery = performance.now();
  await until('outbox empty', () => running.metric('switchyard_outbox_depth') === 0, { milliseconds: 60_000 });
  const reconnectMs = performance.now() - recovery;
  const nc = await connect({ servers: nats.url });
  bench.defer(() => nc.close());
  assert.equal(running.events.length, size.transitions, 'one event for each transition');
  assertNothingLost(running, await storedEvents(nc));
  await assertBucketRight(running, nc);
  assert.equal(running.metric('switchyard_outbox_dropped_total'), 0);
  assert.equal(running.metric('switchyard_outbox_coalesced_total'), 0);
  return { events: size.transitions, retries: running.metric('switchyard_outbox_retries_total'), reconnectMs };
}

/** Time from a change of state until an independent NATS client receives it, in milliseconds. */
export async function eventLatency(
  bench: FaultBench,
  size: { readonly transitions: number; readonly url?: string },
): Promise<{ median: number; p99: number }> {
  let url = size.url;
  if (url === undefined) {
    const nats = await startRestartableNats();
    bench.defer(() => nats.stop());
    url = nats.url;
  }
  const rows = deadRows(10);
  const prefix = `lag${process.pid}`;
  const running = await bench.daemon({
    settings: {
      modparam: { db_url: await bench.sqlite(rows) },
      events: { nats: { servers: [url], prefix, jetstream: { stream: `LAG${process.pid}` } } },
    },
  });
  const nc = await connect({ servers: url });
  bench.defer(async () => {
    await (await nc.jetstreamManager()).streams.delete(`LAG${process.pid}`).catch(() => false);
    await nc.close();
  });
  const begun = new Map<string, number>();
  const times: number[] = [];
  running.daemon.onEvent((event) => begun.set(event.id, performance.now()));
  nc.subscribe(`${prefix}.E_DISPATCHER_STATUS.>`, {
    callback: (_error, message) => {
      const { id } = message.json<{ params: { id: string } }>().params;
      times.push(performance.now() - (begun.get(id) ?? Number.NaN));
    },
  });
  await nc.flush();
  await until('connected', () => running.metric('switchyard_nats_connected') === 1);
  for (let i = 0; i < size.transitions; i++) {
    const uri = rows[i % rows.length]?.uri as string;
    await running.mark(Math.floor(i / rows.length) % 2 === 0 ? 'i' : 'a', 1, uri);
    await sleep(3);
  }
  await until('all received', () => times.length === size.transitions);
  return { median: quantile(times, 0.5), p99: quantile(times, 0.99) };
}
