import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { runSipp, startSippUas } from '../support/sipp.js';
import { startSwitchyardWith } from './switchyard.js';
const rss = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;
const a = [await startSippUas({ scenario: 'uas-answer', values: { ring: 1000 } }), await startSippUas({ scenario: 'uas-answer', values: { ring: 1000 } })] as const;
const daemon = await startSwitchyardWith([a[0].port, a[1].port]);
const rate = 150, minutes = 10;
console.log(new Date().toISOString(), 'start', rss(daemon.pid).toFixed(0), readFileSync('/proc/loadavg','latin1').trim());
const running = runSipp({ scenario: 'uac-call', target: `127.0.0.1:${daemon.port}`, calls: rate * 60 * minutes, rate, limit: 2000, timeoutMs: 900_000 } as never);
let over = false; void running.then(() => (over = true), (e) => { over = true; console.log('sipp', String(e).slice(0,500)); });
for (let m = 1; m <= minutes && !over; m++) { await sleep(60_000); console.log(m, rss(daemon.pid).toFixed(0), readFileSync('/proc/loadavg','latin1').trim()); }
const r: any = await running; console.log('ok', r.ok, 'of', rate*60*minutes);
for (const s of [30, 60, 120]) { await sleep(s === 30 ? 30_000 : s === 60 ? 30_000 : 60_000); console.log('idle', s, rss(daemon.pid).toFixed(0)); }
await daemon.stop(); await Promise.all(a.map((x) => x.stop()));
