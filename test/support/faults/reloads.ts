import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../partitions.js';
import { quantile } from '../quantile.js';
import { deadRows, type FaultBench, fill, type RunningDaemon } from './bench.js';
import { measureRoundTrips, Responder } from './responder.js';

/** A daemon that sends every request to the two gateways of set 1, which a responder simulates. */
async function relaying(
  bench: FaultBench,
  rows: readonly { setId: number; uri: string }[],
  modparam: object = {},
): Promise<{ running: RunningDaemon; dbUrl: string; responder: Responder }> {
  const responder = await Responder.start();
  bench.defer(() => responder.stop());
  const gateways = [
    { setId: 1, uri: responder.uri('a') },
    { setId: 1, uri: responder.uri('b') },
  ];
  const dbUrl = await bench.sqlite([...gateways, ...rows]);
  const running = await bench.daemon({
    settings: {
      modparam: { db_url: dbUrl, ...modparam },
      routing: [{ match: {}, select: { set: 1, alg: 4 }, reject: { code: 503, reason: 'No destinations' } }],
    },
  });
  return { running, dbUrl, responder };
}

/** Reloads a large table while requests are relayed: returns the delays of requests and of the event loop. */
export async function reloadUnderCalls(
  bench: FaultBench,
  size: { readonly rows: number; readonly reloads: number },
): Promise<{ reloadMs: number; pauseMs: number; tripMedian: number; tripMax: number; requests: number }> {
  const rows = Array.from({ length: size.rows }, (_, i) => ({
    setId: 2 + (i % 1000),
    uri: `sip:10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}:5060`,
  }));
  const { running, dbUrl } = await relaying(bench, rows);
  assert.equal(running.daemon.engine.partition('default')?.snapshot.size, size.rows + 2);
  const trips = await measureRoundTrips(running.port, 'sip:x@127.0.0.1', 5);
  await sleep(300);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const times: number[] = [];
  for (let i = 0; i < size.reloads; i++) {
    const began = performance.now();
    await running.mi('ds_reload', i % 2 === 0 ? {} : { inherit_state: 'n' });
    times.push(performance.now() - began);
    await sleep(100);
  }
  delay.disable();
  await trips.stop();
  assert.equal(trips.lost, 0, 'no request was lost');
  assert.equal(running.said(/could not be loaded/).length, 0);
  void dbUrl;
  return {
    reloadMs: quantile(times, 0.5),
    // The histogram measures the time between two ticks of one millisecond.
    pauseMs: delay.max / 1e6 - 1,
    tripMedian: quantile(trips.times, 0.5),
    tripMax: quantile(trips.times, 1),
    requests: trips.times.length,
  };
}

/** Live heap in bytes after a collection; without `--expose-gc` the used heap. */
function heap(): number {
  const collect = (globalThis as { gc?: () => void }).gc;
  collect?.();
  collect?.();
  return process.memoryUsage().heapUsed;
}

/**
 * Many reloads with changing rows, states and probes under requests: at the end the states that were set must be
 * present, and the heap must not have grown.
 */
export async function manyReloads(
  bench: FaultBench,
  size: { readonly reloads: number; readonly rows: number; readonly seed: number },
): Promise<{ heapGrowth: number; requests: number; mismatches: number }> {
  const random = seededRandom(size.seed);
  const all = deadRows(size.rows, 5);
  const { running, dbUrl } = await relaying(bench, all, { ds_flush_interval: 1 });
  const fixed = [...running.states('default').keys()].filter((key) => key.startsWith('1 '));
  const gateways = fixed.map((key) => ({ setId: 1, uri: key.slice(2) }));
  const trips = await measureRoundTrips(running.port, 'sip:x@127.0.0.1', 10);
  /** State by URI; a destination that is removed and added again is a new one. */
  const expected = new Map<string, string>(all.map(({ uri }) => [uri, 'active']));
  let present = new Set(all.map(({ uri }) => uri));
  let before = 0;
  for (let i = 0; i < size.reloads; i++) {
    // The first tenth is warm-up.
    if (i === Math.floor(size.reloads / 10)) before = heap();
    for (let k = 0; k < 5; k++) {
      const { uri } = all[random.uint32() % all.length] as { uri: string };
      if (!present.has(uri)) continue;
      const state = expected.get(uri) === 'active' ? 'inactive' : 'active';
      await running.mark(state === 'active' ? 'a' : 'i', 5, uri);
      expected.set(uri, state);
    }
    if (i % 4 === 0) {
      const kept = all.filter(() => random.uint32() % 10 !== 0);
      await fill(dbUrl, [...gateways, ...kept]);
      const now = new Set(kept.map(({ uri }) => uri));
      for (const { uri } of all) if (!now.has(uri) || !present.has(uri)) expected.set(uri, 'active');
      present = now;
    }
    running.forget();
    // Three concurrent requests lead to two loads at most.
    await Promise.all([running.mi('ds_reload'), running.mi('ds_reload'), running.mi('ds_reload')]);
    for (const uri of present)
      assert.equal(running.destination('default', 5, uri).health.state, expected.get(uri), uri);
  }
  const heapGrowth = heap() - before;
  await trips.stop();
  assert.equal(trips.lost, 0, 'no request was lost');
  return { heapGrowth, requests: trips.times.length, mismatches: 0 };
}
