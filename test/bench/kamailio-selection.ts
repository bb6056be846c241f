import { fileURLToPath } from 'node:url';
import { FLAG } from '../../src/engine/algorithms/algorithm.js';
import { KAMAILIO_ALGORITHMS } from '../../src/engine/kamailio/algorithms/list.js';
import { kamailioOf } from '../../src/engine/kamailio/flavour.js';
import type { RequestView } from '../../src/engine/request-view.js';
import { KamailioBench } from '../support/kamailio.js';
import { request, rows } from '../support/partitions.js';
import type { SelectionRate } from './selection.js';

/** Calls in progress while call load is measured. */
const CALLS = 100_000;
/** This algorithm ranks the whole set for each call. */
const RANKING = 13;
const CALL_LOAD = 10;

/**
 * Selections per second with Kamailio's algorithms, with all destinations up and with every second one down; call load
 * with 100,000 calls in progress.
 */
export function runKamailioBench(milliseconds = 150, sizes: readonly number[] = [30, 1000]): SelectionRate[] {
  const rates: SelectionRate[] = [];
  for (const size of sizes) {
    for (const down of [false, true]) {
      const table = rows(size, { attrs: 'weight=10;rweight=10', flags: 0 }).map((row, i) => ({
        ...row,
        attrs: `duid=${i};${row.attrs}`,
        ...(down && i % 2 === 0 ? { state: 'inactive' as const, flags: 1 } : {}),
      }));
      for (const { code, name } of KAMAILIO_ALGORITHMS) {
        const bench = new KamailioBench(table);
        const title = `${code} ${name}, ${size} destinations${down ? ', half down' : ''}`;
        if (code === RANKING && size > 100) continue;
        const perSecond = code === CALL_LOAD ? callLoadRate(bench, milliseconds) : rateOf(bench, code, milliseconds);
        rates.push({ name: code === CALL_LOAD ? `${title}, ${CALLS} calls` : title, perSecond });
      }
    }
  }
  return rates;
}

function rateOf(bench: KamailioBench, algorithm: number, milliseconds: number): number {
  const target = { setId: 1, algorithm, flags: FLAG.failover, maxResults: Number.POSITIVE_INFINITY };
  const views = Array.from({ length: 256 }, (_, i) =>
    request({
      callId: `${(i * 2654435761) >>> 0}-${i}@192.0.2.${i}`,
      fromUri: `sip:user${i}@example.org`,
      toUri: `sip:+4930${i}@example.com`,
      requestUri: `sip:+4930${i}@example.com:5070`,
      authUsername: `user${i}`,
      hashVar: () => `user${i}@call`,
    }),
  );
  const { engine, partition } = bench;
  return measure(milliseconds, (i) => {
    engine.context().selectOne(partition, target, views[i & 255] as RequestView);
  });
}

/** After each new call the oldest one ends, so that the number in progress is constant. */
function callLoadRate(bench: KamailioBench, milliseconds: number): number {
  const { engine, partition } = bench;
  const target = { setId: 1, algorithm: CALL_LOAD, flags: FLAG.failover, maxResults: Number.POSITIVE_INFINITY };
  const views = Array.from({ length: CALLS * 2 }, (_, i) =>
    request({ callId: `${(i * 2654435761) >>> 0}-${i}@192.0.2.1` }),
  );
  for (let i = 0; i < CALLS; i++) engine.context().selectOne(partition, target, views[i] as RequestView);
  const calls = kamailioOf(partition)?.calls;
  let next = CALLS;
  return measure(milliseconds, () => {
    engine.context().selectOne(partition, target, views[next % views.length] as RequestView);
    calls?.endByCallId((views[(next + CALLS) % views.length] as RequestView).callId);
    next++;
  });
}

function measure(milliseconds: number, run: (i: number) => void): number {
  for (let i = 0; i < 20_000; i++) run(i);
  const start = process.cpuUsage();
  const deadline = performance.now() + milliseconds;
  let done = 0;
  while (performance.now() < deadline) for (let i = 0; i < 5000; i++) run(done++);
  const used = process.cpuUsage(start);
  return Math.round(done / ((used.user + used.system) / 1e6));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { name, perSecond } of runKamailioBench()) {
    process.stdout.write(`${name.padEnd(60)} ${(perSecond / 1e6).toFixed(2).padStart(7)} million/s\n`);
  }
}
