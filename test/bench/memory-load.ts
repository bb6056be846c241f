import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { runSipp, startSippUas } from '../support/sipp.js';
import { residentBytes } from './process-usage.js';
import { startSwitchyardWith } from './switchyard.js';

/*
 * Resident memory of the built daemon under calls: before, each minute, and idle afterwards. Run: node --import tsx
 * test/bench/memory-load.ts [CALLS PER SECOND] [MINUTES]
 */

const rate = Number(process.argv[2] ?? 100);
const minutes = Number(process.argv[3] ?? 10);
const calls = rate * 60 * minutes;

const answerer = { scenario: 'uas-answer', values: { ring: 1000 } } as const;
const answerers = [await startSippUas(answerer), await startSippUas(answerer)] as const;
const daemon = await startSwitchyardWith([answerers[0].port, answerers[1].port]);

function report(when: string): void {
  const megabytes = (residentBytes(daemon.pid) / 2 ** 20).toFixed(0);
  console.log(`${when.padEnd(12)} ${megabytes} MB, load ${loadavg()[0]?.toFixed(0)}`);
}

report('start');
const running = runSipp({
  scenario: 'uac-call',
  target: `127.0.0.1:${daemon.port}`,
  calls,
  rate,
  limit: 20 * rate,
  timeoutMs: (minutes + 5) * 60_000,
});
for (let minute = 1; minute <= minutes; minute++) {
  await sleep(60_000);
  report(`minute ${minute}`);
}
const { ok } = await running;
console.log(`${ok} of ${calls} calls`);
for (const seconds of [30, 60, 120]) {
  await sleep(seconds === 120 ? 60_000 : 30_000);
  report(`idle ${seconds} s`);
}
await daemon.stop();
await Promise.all(answerers.map((each) => each.stop()));
