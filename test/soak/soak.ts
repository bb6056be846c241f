/**
 * `npm run soak -- [--seed N] [--minutes N] [--only NAME]`: repeats the fault tests at full length with new seeds until
 * the time is over, and prints one line of figures for each. Without arguments: seed 1, one round of everything. Exit
 * status 1 at the first failure, with its seed.
 */
import { parseArgs } from 'node:util';
import { standardIo } from '../../src/cli/line/io.js';
import { progress } from '../../src/cli/line/progress.js';
import { chaos } from '../support/cluster/chaos.js';
import {
  besideOneAlone,
  cutOff,
  joins,
  leaderKills,
  probeCounts,
  tagKills,
  tagMoves,
  wrongClock,
} from '../support/cluster/measurements.js';
import { rollingUpgrade } from '../support/cluster/older-build.js';
import { fanOut, histories, idleCpu, natsKills, nodeKills, takeovers } from '../support/cluster/scenarios.js';
import { FaultBench } from '../support/faults/bench.js';
import { daemonCrashes } from '../support/faults/daemon-crashes.js';
import { DATABASES, databaseOutages } from '../support/faults/database-outage.js';
import { diskFull } from '../support/faults/disk-full.js';
import { flapping } from '../support/faults/flapping.js';
import { eventLatency, natsCrashes } from '../support/faults/nats-crashes.js';
import { pausesFromOutside } from '../support/faults/pauses.js';
import { manyReloads, reloadUnderCalls } from '../support/faults/reloads.js';
import { wrongPasswords } from '../support/faults/wrong-passwords.js';

type Scenario = (bench: FaultBench, seed: number) => Promise<object>;

/** Maximum heap growth in bytes over a thousand reloads, including the memory of one load of the table. */
const HEAP_GROWTH = 4 * 1024 * 1024;

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'nats-crashes': (bench, seed) => natsCrashes(bench, { kills: 20, transitions: 2000, seed }),
  'daemon-crashes': (bench, seed) => daemonCrashes(bench, { kills: 12, seed }),
  'event-latency': (bench) => eventLatency(bench, { transitions: 1000 }),
  ...Object.fromEntries(
    DATABASES.map((kind) => [
      `${kind.name}-outages`,
      (bench: FaultBench, seed: number) => databaseOutages(bench, kind, { outages: 6, seed }),
    ]),
  ),
  'disk-full': async (bench) => ({ arranged: await diskFull(bench, { rounds: 4 }) }),
  'reload-under-calls': (bench) => reloadUnderCalls(bench, { rows: 100_000, reloads: 6 }),
  pauses: (bench) => pausesFromOutside(bench, { rows: 100_000 }),
  'wrong-passwords': (bench) => wrongPasswords(bench, { perMinute: 10_000, seconds: 60, callsPerSecond: 100 }),
  'many-reloads': async (bench, seed) => {
    const figures = await manyReloads(bench, { reloads: 1000, rows: 500, seed });
    if (figures.heapGrowth > HEAP_GROWTH) throw new Error(`the heap has grown by ${figures.heapGrowth} bytes`);
    return figures;
  },
  'cluster-histories': async (_bench, seed) => histories(seed * 100_000, 2000),
  'cluster-node-kills': (_bench, seed) => nodeKills({ kills: 20, seed }),
  'cluster-nats-kills': (_bench, seed) => natsKills({ kills: 20, seed, changes: 2000 }),
  'cluster-chaos': (_bench, seed) => chaos({ seconds: 120, seed, kills: { nodes: 6, nats: 6, database: 4 } }),
  'cluster-mariadb-chaos': (_bench, seed) =>
    chaos({ seconds: 120, seed, kills: { nodes: 6, nats: 6, database: 4 }, database: 'mariadb' }),
  'cluster-rolling-upgrade': (_bench, seed) => rollingUpgrade({ seed }),
  'cluster-probe-counts': () => probeCounts({ gateways: 1000, seconds: 60 }),
  'cluster-join-1000': () => joins({ records: 1000 }),
  'cluster-join-20000': () => joins({ records: 20_000 }),
  'cluster-tag-moves': () => tagMoves({ moves: 20 }),
  'cluster-tag-kills': () => tagKills({ kills: 10 }),
  'cluster-clock-ahead': () => wrongClock({ days: 1 }),
  'cluster-clock-behind': () => wrongClock({ days: -1 }),
  'cluster-beside-one-alone': () => besideOneAlone(),
  'cluster-takeovers': () => takeovers({ gateways: 1000, kills: 4 }),
  'cluster-leavings': () => takeovers({ gateways: 1000, kills: 4, signal: 'SIGTERM' }),
  'cluster-cut-off': () => cutOff({ seconds: 30, times: 3 }),
  'cluster-leader-kills': () => leaderKills({ kills: 5 }),
  'cluster-fan-out': () => fanOut({ changes: 400 }),
  'cluster-idle-cpu': () => idleCpu({ gateways: 1000, seconds: 30 }),
  flapping: (bench, seed) => flapping(bench, { gateways: 200, flaps: 90, holdMs: 2000, seed }),
};

function number(value: string | undefined, byDefault: number, what: string): number {
  const result = value === undefined ? byDefault : Number(value);
  if (!Number.isFinite(result) || result < 0) throw new Error(`--${what} must be a number, not "${value}"`);
  return result;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { seed: { type: 'string' }, minutes: { type: 'string' }, only: { type: 'string' } },
  });
  const minutes = number(values.minutes, 0, 'minutes');
  const chosen = Object.entries(SCENARIOS).filter(([name]) => values.only === undefined || name.includes(values.only));
  if (chosen.length === 0) throw new Error(`--only: there are ${Object.keys(SCENARIOS).join(', ')}`);
  const end = performance.now() + minutes * 60_000;
  let seed = number(values.seed, 1, 'seed');
  const shown = progress(standardIo(), 'scenarios', minutes === 0 ? chosen.length : undefined);
  const start = performance.now();
  let done = 0;
  // Progress, 0 to 1: the completed part of the scenarios or of the minutes.
  const part = () => Math.min(1, (performance.now() - start) / (minutes * 60_000));
  const ticker = setInterval(() => shown.at(done, ...(minutes === 0 ? [] : [part()])), 1000);
  ticker.unref();
  for (;;) {
    for (const [name, run] of chosen) {
      const bench = new FaultBench();
      const began = performance.now();
      const seconds = () => ((performance.now() - began) / 1000).toFixed(1);
      try {
        const figures = await run(bench, seed);
        done++;
        shown.end();
        console.log(`ok   ${name} seed ${seed} ${seconds()} s ${JSON.stringify(figures, rounded)}`);
      } catch (error) {
        shown.end();
        console.log(`FAIL ${name} seed ${seed} ${seconds()} s`);
        console.error(error);
        return 1;
      } finally {
        await bench.end();
      }
    }
    seed++;
    if (performance.now() >= end) return 0;
  }
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 100) / 100 : value;
}

try {
  process.exit(await main());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(2);
}
