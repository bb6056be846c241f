import { execFileSync } from 'node:child_process';
import { Child } from '../support/child-process.js';
import { freePort } from '../support/ports.js';
import { generatedCalls, inRounds, startGenerator } from './generated-calls.js';
import { ownCpuMicros, processTree } from './process-usage.js';
import { type SwitchyardProxy, startSwitchyardWith } from './switchyard.js';

/** Short, so that few datagrams queue up while a process is not scheduled. */
const PERIOD_NS = 2_000_000;
/** How often the interval between the last carried and the first failed rate is halved. */
const HALVINGS = 2;
/** Maximum part of a processor for the generator: several times what it needs. */
const OF_GENERATOR = 0.5;
/** Number of calls that warm up each process. */
const WARM_CALLS = 4000;

/** The load that a number of workers carry. */
export interface Capacity {
  readonly workers: number;
  /** The highest rate in calls per second without a repeated or failed request. */
  readonly carried: number;
  /** CPU microseconds per call at that rate, by process, highest first. */
  readonly microsByProcess: readonly number[];
  /** Part of its time that the generator was busy at that rate. */
  readonly generatorUse: number;
}

export interface CapacityPlan {
  readonly workers: readonly number[];
  readonly rounds: number;
  /** Part of a processor that each process of the daemon gets. */
  readonly share: number;
  readonly first: number;
  /** Each rate is this factor times the one before. */
  readonly step: number;
  readonly seconds: number;
}

/**
 * The calls per second that workers carry when each process has a fixed part of a processor and the generator has
 * enough: this shows what a machine with one core per process would carry. The kernel reserves the parts
 * (SCHED_DEADLINE, sched(7)), so that other processes, the generator included, have no influence. Needs root.
 */
export async function measureCapacity(plan: CapacityPlan, report: (result: Capacity) => void): Promise<void> {
  await inRounds(plan.rounds, plan.workers, async (workers) => report(await measureOne(workers, plan)));
}

/** Whether the kernel reserves parts of a processor for this process. */
export function canReserve(): boolean {
  const child = new Child('sleep', ['5']);
  try {
    reserve(child.pid, 0.01);
    return true;
  } catch {
    return false;
  } finally {
    void child.stop('SIGKILL');
  }
}

async function measureOne(workers: number, { share, first, step, seconds }: CapacityPlan): Promise<Capacity> {
  const ports = [await freePort(), await freePort()] as const;
  const proxy = await startSwitchyardWith(ports, [], { name: `${workers} workers`, more: { workers } });
  try {
    await run(proxy, ports, 1000, (workers * WARM_CALLS) / 1000, undefined);
    for (const pid of processTree(proxy.pid)) reserve(pid, share);
    let best: Omit<Capacity, 'workers'> = { carried: 0, microsByProcess: [], generatorUse: 0 };
    /** Whether a rate is carried; a failed attempt is repeated once. */
    const carries = async (rate: number): Promise<boolean> => {
      for (let attempt = 0; attempt < 2; attempt++) {
        const { isLossless, ...figures } = await run(proxy, ports, rate, seconds, OF_GENERATOR);
        if (!isLossless) continue;
        best = { carried: rate, ...figures };
        return true;
      }
      return false;
    };
    let rate = first;
    while (await carries(rate)) rate = Math.round(rate * step);
    for (let i = 0; i < HALVINGS; i++) {
      const between = Math.round((best.carried + rate) / 2);
      if (!(await carries(between))) rate = between;
    }
    return { workers, ...best };
  } finally {
    await proxy.stop();
  }
}

async function run(
  proxy: SwitchyardProxy,
  ports: readonly [number, number],
  rate: number,
  seconds: number,
  ofGenerator: number | undefined,
): Promise<Omit<Capacity, 'workers' | 'carried'> & { readonly isLossless: boolean }> {
  const generator = await startGenerator(proxy.port, ports, rate, seconds);
  if (ofGenerator !== undefined) reserve(generator.pid, ofGenerator);
  const pids = processTree(proxy.pid);
  const before = pids.map(ownCpuMicros);
  const { placed, completed, repeated, micros } = await generatedCalls(generator);
  const used = pids.map((pid, i) => ownCpuMicros(pid) - (before[i] as number));
  return {
    isLossless: placed > 0 && completed === placed && repeated === 0,
    microsByProcess: used.map((each) => each / placed).sort((a, b) => b - a),
    generatorUse: micros / 1e6 / seconds / (ofGenerator ?? 1),
  };
}

/** Gives a process exactly this part of each period. Throws without the permission. */
function reserve(pid: number, part: number): void {
  const runtime = String(Math.round(part * PERIOD_NS));
  const times = ['-T', runtime, '-D', String(PERIOD_NS), '-P', String(PERIOD_NS)];
  execFileSync('chrt', ['-d', '-R', ...times, '-p', '0', String(pid)], { stdio: 'ignore' });
}
