import { setTimeout as sleep } from 'node:timers/promises';
import { runSipp, type SippAnswerer, startSippUas } from '../support/sipp.js';
import { cpuMicros } from './process-usage.js';
import type { ProxyUnderTest, StartProxy } from './proxies.js';

const WARM_CALLS = 10_000;
/** Milliseconds the proxies stand idle after their start, in which the daemon warms up. */
const IDLE_MS = 15_000;
/** Calls of a run at least: at a low rate those of a few seconds are too few for the compiler to settle on it. */
const MIN_CALLS = 2000;
/** The first calls after a start, measured by themselves. */
const COLD_CALLS = 2000;

/** What was measured: warm runs in their order, and the first calls of each proxy after its start. */
export interface PathRuns {
  readonly runs: readonly PathRun[];
  readonly cold: readonly PathRun[];
}

/** One measured run of calls through one proxy. */
export interface PathRun {
  readonly proxy: string;
  /** Calls a second offered. */
  readonly rate: number;
  readonly ok: number;
  readonly failed: number;
  /** User and system time of all processes of the proxy, microseconds per successful call. */
  readonly cpuPerCall: number;
  /** Messages that the caller had to repeat: the sign of a machine too busy for the run to mean much. */
  readonly retransmissions: number;
  /** Mean time from INVITE to 200 at the caller, milliseconds. */
  readonly answerMs: number;
  readonly errors: readonly string[];
}

export interface PathPlan {
  readonly rates: readonly number[];
  readonly seconds: number;
  /** How often the proxies are measured in turn at each rate. */
  readonly rounds: number;
}

/**
 * INVITE, 180, 200, ACK, BYE, 200 through each proxy in turn (A B C A B C ...), so that what else the machine does falls on
 * all of them alike. All proxies stay up for the whole time: an idle one costs next to nothing.
 */
export async function measurePath(
  starts: readonly StartProxy[],
  plan: PathPlan,
  report: (run: PathRun) => void,
): Promise<PathRuns> {
  const answerers: SippAnswerer[] = [];
  const proxies: ProxyUnderTest[] = [];
  const runs: PathRun[] = [];
  const cold: PathRun[] = [];
  try {
    for (let i = 0; i < 2; i++) answerers.push(await startSippUas({ scenario: 'uas-answer' }));
    const ports = [answerers[0]?.port ?? 0, answerers[1]?.port ?? 0] as const;
    for (const start of starts) proxies.push(await start(ports));
    await sleep(IDLE_MS);
    for (const proxy of proxies) cold.push(await measureRun(proxy, 1000, COLD_CALLS));
    // A just-in-time compiler is measured warm, as it runs in service: it goes on changing its mind for some 10,000 calls.
    for (const proxy of proxies) await measureRun(proxy, 1000, WARM_CALLS);
    for (const rate of plan.rates) {
      // What is compiled for one rate is not what another uses: the first run at each is left out.
      for (const proxy of proxies) await measureRun(proxy, rate, Math.max(rate, MIN_CALLS));
      for (let round = 0; round < plan.rounds; round++) {
        for (const proxy of proxies) {
          const run = await measureRun(proxy, rate, Math.max(Math.round(rate * plan.seconds), MIN_CALLS));
          runs.push(run);
          report(run);
        }
      }
    }
  } finally {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await Promise.all(answerers.map((answerer) => answerer.stop()));
  }
  return { runs, cold };
}

async function measureRun(proxy: ProxyUnderTest, rate: number, calls: number): Promise<PathRun> {
  const before = cpuMicros(proxy.pid);
  const result = await runSipp({
    scenario: 'uac-call',
    target: `127.0.0.1:${proxy.port}`,
    rate,
    calls,
    limit: 20_000,
    timeoutMs: (calls / rate) * 1000 + 40_000,
  });
  // What a call leaves behind (transactions lingering, their timers) belongs to its price.
  await sleep(200);
  const used = cpuMicros(proxy.pid) - before;
  return {
    proxy: proxy.name,
    rate,
    ok: result.ok,
    failed: result.failed + (calls - result.ok - result.failed),
    cpuPerCall: result.ok > 0 ? used / result.ok : Number.NaN,
    retransmissions: result.retransmissions,
    answerMs: result.responseMs,
    errors: result.errors,
  };
}
