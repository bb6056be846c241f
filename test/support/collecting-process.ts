/**
 * Run by a test: allocates 40 MB that stay referenced, with an event loop iteration after every few hundred kilobytes,
 * with "collect" as its argument after collectBetweenIterations(); prints the maximum size of the young generation.
 */
import { getHeapSpaceStatistics } from 'node:v8';
import { collectBetweenIterations, nextIteration } from '../../src/core/event-loop.js';

if (process.argv[2] === 'collect') collectBetweenIterations();
const kept: { i: number; k: number }[] = [];
let max = 0;
for (let i = 0; i < 200; i++) {
  for (let k = 0; k < 4000; k++) kept.push({ i, k });
  const young = getHeapSpaceStatistics().find((each) => each.space_name === 'new_space');
  max = Math.max(max, young?.space_used_size ?? 0);
  await nextIteration();
}
console.log(JSON.stringify({ max, kept: kept.length, gc: typeof globalThis.gc }));
