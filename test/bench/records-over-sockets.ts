/**
 * CPU time of one daemon over sockets under continuous calls: with call records, without them, and with a trace of one
 * call in a thousand in addition. The kinds are switched at run time in short intervals, so that everything else is
 * equal. Needs dist/, as made by `npm run bench`. Run: node --import tsx test/bench/records-over-sockets.ts [RATE]
 * [SECONDS]
 */

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { askMi } from '../support/mi-http.js';
import { freePort } from '../support/ports.js';
import { quantile } from '../support/quantile.js';
import { type GeneratedCalls, generatedCalls, startGenerator } from './generated-calls.js';
import { buildSwitchyard, startSwitchyardWith } from './switchyard.js';

const [RATE = 2000, SECONDS = 120] = process.argv.slice(2).map(Number);
const WARM_MS = 10_000;
const INTERVAL_MS = 500;
/** Milliseconds after a switch that are not measured, so that earlier calls can end. */
const SETTLE_MS = 60;

/** Maximum duration of a round in milliseconds: no round begins that would end after the generator. */
const LAST_MS = 4000;

/** Each SIGUSR2 switches to the next kind: default, disabled ledger, active trace. */
const SWITCH = `data:text/javascript,${encodeURIComponent(`
import { CallLedger } from ${JSON.stringify(new URL('../../dist/calls/call-ledger.js', import.meta.url).href)};
import { TapPoint } from ${JSON.stringify(new URL('../../dist/sip/transport/tap.js', import.meta.url).href)};
const { relayed } = CallLedger.prototype;
const { use } = TapPoint.prototype;
let state = 0;
let tapped;
CallLedger.prototype.relayed = function (message, source, plan) {
  return state === 1 ? undefined : relayed.call(this, message, source, plan);
};
TapPoint.prototype.use = function (tap) {
  if (tap === undefined) use.call(this, tap);
  else tapped = { point: this, tap };
};
process.on('SIGUSR2', () => {
  state = (state + 1) % 3;
  if (tapped !== undefined) use.call(tapped.point, state === 2 ? tapped.tap : undefined);
});
`)}`;

/** In the order in which they are switched. */
const KINDS = ['records', 'no records', 'trace 1/1000'] as const;
type Kind = (typeof KINDS)[number];

/** CPU microseconds that all threads of a process have used (proc(5), schedstat). */
function micros(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]) / 1000;
  }
  return sum;
}

buildSwitchyard();
const ports = [await freePort(), await freePort()] as const;
const daemon = await startSwitchyardWith(ports, ['--import', SWITCH]);
let calls: GeneratedCalls | undefined;
const used = new Map<Kind, number[]>(KINDS.map((kind) => [kind, []]));
try {
  const generator = await startGenerator(daemon.port, ports, RATE, SECONDS);
  await askMi(daemon.http, 'trace_start', { one_in: 1000, seconds: 3600, calls: 10_000, messages: 100_000 });
  await sleep(WARM_MS);
  const until = performance.now() + 1000 * SECONDS - WARM_MS - LAST_MS;
  while (performance.now() < until) {
    for (const kind of KINDS) {
      await sleep(SETTLE_MS);
      const [began, before] = [performance.now(), micros(daemon.pid)];
      await sleep(INTERVAL_MS);
      const cpu = micros(daemon.pid) - before;
      used.get(kind)?.push((1000 * cpu) / ((performance.now() - began) * RATE));
      process.kill(daemon.pid, 'SIGUSR2');
    }
  }
  calls = await generatedCalls(generator);
} finally {
  await daemon.stop();
}

/**
 * The median of the differences between two kinds in the same round, and its uncertainty (95 %, from the quartiles).
 */
function difference(kind: Kind, base: Kind): string {
  const others = used.get(base) ?? [];
  const more = (used.get(kind) ?? []).map((each, i) => each - (others[i] ?? Number.NaN));
  const spread = quantile(more, 0.75) - quantile(more, 0.25);
  const error = (1.57 * spread) / Math.sqrt(more.length);
  const share = (100 * quantile(more, 0.5)) / quantile(others, 0.5);
  return `${kind} against ${base}: ${quantile(more, 0.5).toFixed(2)} us a call more (+- ${error.toFixed(2)}), ${share.toFixed(1)} %`;
}

for (const kind of KINDS) {
  const all = used.get(kind) ?? [];
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(all, share).toFixed(1));
  console.log(`${kind.padEnd(12)} ${middle} us a call (${low} to ${high}) in ${all.length} intervals`);
}
console.log(difference('records', 'no records'));
console.log(difference('trace 1/1000', 'records'));
console.log(JSON.stringify(calls));
