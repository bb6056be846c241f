import { freePort } from '../support/ports.js';
import { type GeneratedCalls, generatedCalls, inRounds, startGenerator } from './generated-calls.js';
import { cpuMicros, untilIdle } from './process-usage.js';
import { type SwitchyardProxy, startSwitchyardWith } from './switchyard.js';

/** Number of calls that warm up each process. */
const WARM_CALLS = 3000;
/** Milliseconds in which the processes must have become idle. */
const IDLE_MS = 60_000;

/** A run of the generator of calls. */
interface Run extends GeneratedCalls {
  /** CPU time of all processes of the daemon per call. */
  readonly microsEach: number;
  /** The part of the new requests that each worker had at the end. */
  readonly shares: readonly number[];
}

/** Results of one kind of daemon in one round. */
export interface WorkersRound extends Kind {
  /** By rate in calls per second. */
  readonly runs: readonly (Run & { readonly rate: number })[];
  /** The highest rate in calls per second without a failed call. */
  readonly carried: number;
}

/** A number of workers and how new requests are shared among them. */
export interface Kind {
  readonly workers: number;
  readonly spread: 'as_needed' | 'even';
}

export interface WorkersPlan {
  readonly kinds: readonly Kind[];
  readonly rates: readonly number[];
  readonly seconds: number;
  readonly rounds: number;
  /** Rates in calls per second that are tried in order until calls fail. */
  readonly ramp: readonly number[];
}

/** CPU cost per call and highest carried rate with several workers; all kinds are measured in each round. */
export async function measureWorkers(plan: WorkersPlan, report: (round: WorkersRound) => void): Promise<void> {
  await inRounds(plan.rounds, plan.kinds, async (kind) => report(await measureOne(kind, plan)));
}

async function measureOne(kind: Kind, { rates, seconds, ramp }: WorkersPlan): Promise<WorkersRound> {
  const { workers, spread } = kind;
  const ports = [await freePort(), await freePort()] as const;
  const more = { workers, worker_spread: spread };
  const proxy = await startSwitchyardWith(ports, [], { name: `${workers} workers`, more });
  try {
    // Each worker makes warm-up calls of its own, on a busy machine for many seconds.
    await untilIdle(proxy.pid, IDLE_MS);
    await run(proxy, ports, 1000, (workers * WARM_CALLS) / 1000);
    // A share that a worker got while its code was cold has been taken back by then.
    await untilIdle(proxy.pid, IDLE_MS);
    const runs: (Run & { readonly rate: number })[] = [];
    for (const rate of rates) runs.push({ rate, ...(await run(proxy, ports, rate, seconds)) });
    let carried = 0;
    for (const rate of ramp) {
      const { placed, completed } = await run(proxy, ports, rate, seconds);
      if (completed < placed) break;
      carried = rate;
    }
    return { ...kind, runs, carried };
  } finally {
    await proxy.stop();
  }
}

async function run(
  proxy: SwitchyardProxy,
  ports: readonly [number, number],
  rate: number,
  seconds: number,
): Promise<Run> {
  const generator = await startGenerator(proxy.port, ports, rate, seconds);
  const before = cpuMicros(proxy.pid);
  const calls = await generatedCalls(generator);
  return { ...calls, microsEach: (cpuMicros(proxy.pid) - before) / calls.placed, shares: await sharesOf(proxy) };
}

async function sharesOf(proxy: SwitchyardProxy): Promise<number[]> {
  const metrics = await (await fetch(`${proxy.http}/metrics`)).text();
  return [...metrics.matchAll(/^switchyard_worker_share\{.*\} (\S+)$/gm)].map(([, share]) => Number(share));
}
