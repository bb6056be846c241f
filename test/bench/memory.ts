import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../support/ports.js';
import { runSipp, startSippUas } from '../support/sipp.js';
import { Inspector } from './inspector.js';
import { residentBytes } from './process-usage.js';
import { startSwitchyardWith } from './switchyard.js';

export interface MemoryFigures {
  /** Calls in the ringing state when the memory was read; each has a server and a client transaction. */
  readonly inFlight: number;
  /** Live bytes (heap and buffers, after a collection) per call in progress. */
  readonly liveBytesEach: number;
  /** Growth of resident memory per call in progress, including garbage that is not yet collected. */
  readonly residentBytesEach: number;
  /** Live bytes per call that remain when the calls have ended and their transactions are gone. */
  readonly leftBytesEach: number;
  readonly failed: number;
}

/** Lets `calls` calls ring at the same time and measures the memory of the daemon before, during and after. */
export async function measureMemory(calls: number): Promise<MemoryFigures> {
  const ring = 3000 + calls;
  const answerers = [
    await startSippUas({ scenario: 'uas-answer', values: { ring } }),
    await startSippUas({ scenario: 'uas-answer', values: { ring } }),
  ] as const;
  const inspectPort = await freePort();
  const daemon = await startSwitchyardWith(
    [answerers[0].port, answerers[1].port],
    [`--inspect=127.0.0.1:${inspectPort}`],
  );
  let inspector: Inspector | undefined;
  try {
    const view = await Inspector.connect(inspectPort);
    inspector = view;
    const begin = { live: await view.liveBytes(), resident: residentBytes(daemon.pid) };
    const rate = 1000;
    const running = runSipp({
      scenario: 'uac-call',
      target: `127.0.0.1:${daemon.port}`,
      calls,
      rate,
      limit: calls + 1,
      timeoutMs: ring + 60_000,
    });
    // By then all calls have been placed and none is answered yet.
    await sleep((calls / rate) * 1000 + 1000);
    const resident = residentBytes(daemon.pid);
    const live = await view.liveBytes();
    const result = await running;
    // Transactions remain for up to 64*T1 after the final reply (RFC 3261 section 17, RFC 6026).
    await sleep(33_000);
    const left = await view.liveBytes();
    return {
      inFlight: calls,
      liveBytesEach: (live - begin.live) / calls,
      residentBytesEach: (resident - begin.resident) / calls,
      leftBytesEach: (left - begin.live) / calls,
      failed: calls - result.ok,
    };
  } finally {
    inspector?.close();
    await daemon.stop();
    await Promise.all(answerers.map((answerer) => answerer.stop()));
  }
}
