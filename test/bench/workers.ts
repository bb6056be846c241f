import { fileURLToPath } from 'node:url';
import { Child } from '../support/child-process.js';
import { freePort } from '../support/ports.js';
import { cpuMicros } from './process-usage.js';
import { type SwitchyardProxy, startSwitchyardWith } from './switchyard.js';

const GENERATOR = fileURLToPath(new URL('./call-generator.ts', import.meta.url));
/** Calls that each process is warmed up with. */
const WARM_CALLS = 3000;

/** A run of the generator of calls. */
interface Run {
  readonly placed: number;
  readonly completed: number;
  /** Requests repeated for want of an answer. */
  readonly repeated: number;
  /** CPU of all processes of the daemon for each call. */
  readonly microsEach: number;
}

/** What one number of workers did in one round. */
export interface WorkersRound {
  readonly workers: number;
  /** By rate, calls a second. */
  readonly runs: readonly (Run & { readonly rate: number })[];
  /** Calls a second that were tried without a failed call. */
  readonly carried: number;
}

export interface WorkersPlan {
  readonly workers: readonly number[];
  readonly rates: readonly number[];
  readonly seconds: number;
  readonly rounds: number;
  /** Calls a second tried one after the other until calls fail. */
  readonly ramp: readonly number[];
}

/** CPU of a call and the calls carried with several workers, round by round in turn. */
export async function measureWorkers(plan: WorkersPlan, report: (round: WorkersRound) => void): Promise<void> {
  for (let i = 0; i < plan.rounds; i++) {
    for (const workers of i % 2 === 0 ? plan.workers : [...plan.workers].reverse()) {
      report(await measureOne(workers, plan));
    }
  }
}

async function measureOne(workers: number, { rates, seconds, ramp }: WorkersPlan): Promise<WorkersRound> {
  const ports = [await freePort(), await freePort()] as const;
  const proxy = await startSwitchyardWith(ports, [], { name: `${workers} workers`, more: { workers } });
  try {
    await run(proxy, ports, 1000, (workers * WARM_CALLS) / 1000);
    const runs: (Run & { readonly rate: number })[] = [];
    for (const rate of rates) runs.push({ rate, ...(await run(proxy, ports, rate, seconds)) });
    let carried = 0;
    for (const rate of ramp) {
      const { placed, completed } = await run(proxy, ports, rate, seconds);
      if (completed < placed) break;
      carried = rate;
    }
    return { workers, runs, carried };
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
  const args = [proxy.port, rate, seconds, ...ports].map(String);
  const child = new Child(process.execPath, ['--import', 'tsx', GENERATOR, ...args]);
  await child.until(() => child.stdout.includes('ready'), 20_000, 'the generator of calls');
  const before = cpuMicros(proxy.pid);
  await child.exited;
  const used = cpuMicros(proxy.pid) - before;
  const said = JSON.parse(child.stdout.split('\n')[1] ?? '{}') as Omit<Run, 'microsEach'>;
  return { ...said, microsEach: used / said.placed };
}
