import { freePort } from '../support/ports.js';
import { runSipp, startSippUas } from '../support/sipp.js';
import { Inspector, type SelfTime } from './inspector.js';
import { startSwitchyardWith } from './switchyard.js';

/** CPU profile of the warm daemon at 2,000 calls per second; most time first. */
export async function profilePath(seconds: number): Promise<SelfTime[]> {
  const answerers = [
    await startSippUas({ scenario: 'uas-answer' }),
    await startSippUas({ scenario: 'uas-answer' }),
  ] as const;
  const inspectPort = await freePort();
  const daemon = await startSwitchyardWith(
    [answerers[0].port, answerers[1].port],
    [`--inspect=127.0.0.1:${inspectPort}`],
  );
  let inspector: Inspector | undefined;
  try {
    inspector = await Inspector.connect(inspectPort);
    const calls = { scenario: 'uac-call', target: `127.0.0.1:${daemon.port}`, rate: 2000, limit: 20_000 };
    await runSipp({ ...calls, calls: 4000 });
    const finish = await inspector.profile();
    await runSipp({ ...calls, calls: 2000 * seconds });
    return await finish();
  } finally {
    inspector?.close();
    await daemon.stop();
    await Promise.all(answerers.map((answerer) => answerer.stop()));
  }
}
