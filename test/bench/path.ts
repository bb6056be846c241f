import { setTimeout as sleep } from 'node:timers/promises';
import { runSipp, type SippAnswerer, startSippUas } from '../support/sipp.js';
import { cpuMicros } from './process-usage.js';
import type { ProxyUnderTest, StartProxy } from './proxies.js';

const WARM_CALLS = 10_000;
/** Milliseconds the proxies are idle after their start; the daemon warms up in this time. */
const IDLE_MS = 15_000;
/** Minimum number of calls of a run: at a low rate a few seconds have too few calls for the compiler to settle. */
const MIN_CALLS = 2000;
/** The first calls after a start are measured separately. */
const COLD_CALLS = 2000;

/** The warm runs in their order, and the first calls of each proxy after its start. */
export interface PathRuns {
  readonly runs: readonly PathRun[];
  readonly cold: readonly PathRun[];
}

/** One measured run of calls through one proxy. */
export interface PathRun {
  readonly proxy: string;
  /** Offered load in calls per second. */
  readonly rate: number;
  readonly ok: number;
  readonly failed: number;
  /** User and system time of all processes of the proxy, in microseconds per successful call. */
  readonly cpuPerCall: number;
  /** Messages that the caller repeated; many of them show that the machine was too busy for a valid run. */
  readonly retransmissions: number;
  /** Mean time from INVITE to 200 at the caller in milliseconds. */
  readonly answerMs: number;
  readonly errors: readonly string[];
}

export interface PathPlan {
  readonly rates: readonly number[];
  readonly seconds: number;
  /** How often all proxies are measured at each rate. */
  readonly rounds: number;
}

/**
 * INVITE, 180, 200, ACK, BYE, 200 through each proxy alternately (A B C A B C ...), so that other load on the machine
 * affects all of them equally. All proxies keep running: an idle one uses hardly any CPU.
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
    // Measured warm, as in operation: the JIT compiler still changes its code for some 10,000 calls.
    for (const proxy of proxies) await measureRun(proxy, 1000, WARM_CALLS);
    for (const rate of plan.rates) {
      // The compiled code for one rate differs from that for another: the first run at each rate is not counted.
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
  // The cleanup after a call (completed transactions, their timers) is part of its cost.
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
