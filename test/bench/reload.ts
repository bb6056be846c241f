import { setTimeout as sleep } from 'node:timers/promises';
import { askMi } from '../support/mi-http.js';
import { freePort } from '../support/ports.js';
import { runSipp, startSippUas } from '../support/sipp.js';
import { Inspector } from './inspector.js';
import { type Row, startSwitchyardWith } from './switchyard.js';

export interface ReloadFigures {
  readonly destinations: number;
  /** Milliseconds from the ds_reload command to its reply while calls go on; one figure per reload. */
  readonly reloadMs: readonly number[];
  /** Longest pause of the daemon's event loop during the reloads, milliseconds. */
  readonly longestPauseMs: number;
  /** Live bytes per loaded destination without the characters of its URI. */
  readonly bytesPerDestination: number;
  readonly callsOk: number;
  readonly callsLost: number;
  readonly retransmissions: number;
}

/** Loads a table of `count` destinations and reloads it twice while calls go through a set of two others. */
export async function measureReload(count: number): Promise<ReloadFigures> {
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
    const view = await Inspector.connect(inspectPort);
    inspector = view;
    // What the first load compiles and caches is not part of the memory of the destinations.
    for (let i = 0; i < 2; i++) await askMi(daemon.http, 'ds_reload');
    const small = await view.liveBytes();
    const rows: Row[] = [];
    let characters = 0;
    for (let i = 0; i < count; i++) {
      const destination = `sip:10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:5060`;
      characters += destination.length;
      rows.push({ setid: 2 + (i % 1000), destination });
    }
    await daemon.addRows(rows);
    for (let i = 0; i < 2; i++) await askMi(daemon.http, 'ds_reload');
    const large = await view.liveBytes();

    const calls = 3000;
    const running = runSipp({ scenario: 'uac-call', target: `127.0.0.1:${daemon.port}`, calls, rate: 500 });
    await sleep(1000);
    const longest = await view.watchPauses();
    const reloadMs: number[] = [];
    for (let i = 0; i < 2; i++) {
      const start = performance.now();
      await askMi(daemon.http, 'ds_reload');
      reloadMs.push(performance.now() - start);
      await sleep(300);
    }
    const longestPauseMs = await longest();
    const result = await running;
    return {
      destinations: count,
      reloadMs,
      longestPauseMs,
      bytesPerDestination: (large - small - characters) / count,
      callsOk: result.ok,
      callsLost: calls - result.ok,
      retransmissions: result.retransmissions,
    };
  } finally {
    inspector?.close();
    await daemon.stop();
    await Promise.all(answerers.map((answerer) => answerer.stop()));
  }
}
