import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../../src/core/clock.js';
import { seededRandom } from '../partitions.js';
import { until } from '../until.js';
import type { FaultBench } from './bench.js';
import { Responder } from './responder.js';

/**
 * Gateways that fail and recover under probing: events and states must match exactly what the gateways did. A gateway
 * keeps its behaviour for `holdMs`, long enough for a probe to detect it; its failures (silence, 503, 408) all count as
 * down. Reloads run meanwhile.
 */
export async function flapping(
  bench: FaultBench,
  size: {
    readonly gateways: number;
    readonly flaps: number;
    readonly holdMs: number;
    readonly seed: number;
    readonly clock?: Clock;
    /** Called before the gateways change their behaviour. */
    readonly beforeFlap?: () => void;
  },
): Promise<{ events: number; probes: number; late: number; detectionMs: number }> {
  const random = seededRandom(size.seed);
  const responder = await Responder.start();
  bench.defer(() => responder.stop());
  const rows = Array.from({ length: size.gateways }, (_, i) => ({ setId: 1 + (i % 3), uri: responder.uri(`gw${i}`) }));
  const running = await bench.daemon({
    ...(size.clock === undefined ? {} : { clock: size.clock }),
    settings: {
      modparam: {
        db_url: await bench.sqlite(rows),
        ds_ping_interval: 1,
        ds_ping_timeout: 0.5,
        ds_probing_mode: 1,
        ds_probing_threshhold: 1,
        ds_flush_interval: 1,
      },
    },
  });
  const moods = [200, 200, 503, 0, 408];
  const mood = (user: string) => responder.status.get(user) ?? 200;
  const stateOf = (i: number) => {
    const { setId, uri } = rows[i] as (typeof rows)[number];
    return running.destination('default', setId, uri).health.state;
  };
  const truth = new Map<string, string[]>(rows.map(({ uri }) => [uri, []]));
  let detection = 0;
  let changes = 0;
  for (let flap = 0; flap < size.flaps; flap++) {
    const began = performance.now();
    const changed: number[] = [];
    size.beforeFlap?.();
    for (let i = 0; i < size.gateways; i++) {
      if (random.uint32() % 2 === 0) continue;
      const next = moods[random.uint32() % moods.length] as number;
      if ((next === 200) !== (mood(`gw${i}`) === 200)) {
        truth.get(rows[i]?.uri as string)?.push(next === 200 ? 'active' : 'inactive');
        changed.push(i);
      }
      responder.status.set(`gw${i}`, next);
    }
    if (flap % 3 === 1) await running.mi('ds_reload');
    await until('seen', () => changed.every((i) => (stateOf(i) === 'active') === (mood(`gw${i}`) === 200)), {
      milliseconds: 15_000,
    });
    if (changed.length > 0) {
      detection += performance.now() - began;
      changes++;
    }
    await sleep(Math.max(0, size.holdMs - (performance.now() - began)));
  }
  const published = new Map<string, string[]>(rows.map(({ uri }) => [uri, []]));
  for (const { params } of running.events) {
    const list = published.get(String(params['address'])) ?? [];
    assert.equal(params['seq'], list.length + 1);
    assert.equal(params['previous'], list.at(-1) ?? 'active');
    list.push(String(params['status']));
  }
  for (const { uri } of rows) {
    const causes = running.events
      .filter(({ params }) => params['address'] === uri)
      .map(({ params }) => params['cause']);
    assert.deepEqual(published.get(uri), truth.get(uri), `${uri}: its events are what it did; causes ${causes.join()}`);
  }
  return {
    events: running.events.length,
    probes: running.metric('switchyard_probes_sent_total'),
    late: running.metric('switchyard_probes_late_total'),
    detectionMs: detection / Math.max(1, changes),
  };
}
