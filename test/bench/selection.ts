import { fileURLToPath } from 'node:url';
import { FLAG } from '../../src/engine/algorithms/algorithm.js';
import type { Engine } from '../../src/engine/engine.js';
import { ALGORITHMS } from '../../src/engine/opensips/algorithms/list.js';
import type { Partition } from '../../src/engine/partition.js';
import type { RequestView } from '../../src/engine/request-view.js';
import type { SelectTarget } from '../../src/engine/selection.js';
import { engineWith, partitionOptions, request, rows } from '../support/partitions.js';

export interface SelectionRate {
  readonly name: string;
  readonly perSecond: number;
}

const SIZES = [20, 1000, 100_000];

/**
 * Selections per second with failover (flag f) and a new selection memory each, as for a call: per algorithm and set
 * size, with all destinations up and with every second one down. `milliseconds`: how long each is measured.
 */
export function runSelectionBench(milliseconds = 150): SelectionRate[] {
  const rates: SelectionRate[] = [];
  for (const size of SIZES) {
    for (const down of [false, true]) {
      const engine = engineWith([partitionOptions()]);
      const partition = engine.partition('') as Partition;
      const table = rows(size, { weight: 3 }).map((row, i) =>
        down && i % 2 === 0 ? { ...row, state: 'inactive' as const } : row,
      );
      partition.load(table, { inheritState: true });
      const requests = manyRequests();
      for (const algorithm of ALGORITHMS) {
        // Algorithms 9 and 10 query every destination: the queries are their cost.
        if (algorithm.order !== undefined) continue;
        const target = {
          setId: 1,
          algorithm: algorithm.code,
          flags: FLAG.failover,
          maxResults: Number.POSITIVE_INFINITY,
        };
        const name = `${algorithm.code} ${algorithm.name}, ${size} destinations${down ? ', half down' : ''}`;
        rates.push({ name, perSecond: rateOf(engine, partition, target, requests, milliseconds) });
      }
    }
  }
  return rates;
}

function manyRequests(): RequestView[] {
  return Array.from({ length: 256 }, (_, i) =>
    request({
      callId: `${(i * 2654435761) >>> 0}-${i}@192.0.2.${i & 255}`,
      fromUri: `sip:user${i}@example.org`,
      toUri: `sip:+4930${i}@example.com`,
      requestUri: `sip:+4930${i}@example.com:5070`,
      authUsername: `user${i}`,
      hashVar: () => `user${i}@call`,
    }),
  );
}

function rateOf(
  engine: Engine,
  partition: Partition,
  target: SelectTarget,
  requests: readonly RequestView[],
  milliseconds: number,
): number {
  const run = (count: number): number => {
    let chosen = 0;
    for (let i = 0; i < count; i++) {
      const view = requests[i & 255] as RequestView;
      if (engine.context().selectOne(partition, target, view) !== undefined) chosen++;
    }
    if (chosen !== count) throw new Error(`${count - chosen} of ${count} selections failed`);
    return chosen;
  };
  run(20_000);
  const start = process.cpuUsage();
  const deadline = performance.now() + milliseconds;
  let done = 0;
  while (performance.now() < deadline) done += run(10_000);
  const used = process.cpuUsage(start);
  return Math.round(done / ((used.user + used.system) / 1e6));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { name, perSecond } of runSelectionBench()) {
    process.stdout.write(`${name.padEnd(52)} ${(perSecond / 1e6).toFixed(2).padStart(7)} million/s\n`);
  }
}
