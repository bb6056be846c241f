/**
 * Fuzzes the parsers with mutations of the torture messages for as long as it is told: `node --import tsx
 * test/torture/fuzz.ts [seconds] [seed]`, 60 seconds by default. Ends with status 1 and the smallest failing message.
 */
import fc from 'fast-check';
import { exercise, mutated } from './mutations.js';

const seconds = Number(process.argv[2] ?? 60);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
if (!(seconds > 0) || !Number.isInteger(seed)) {
  console.error('usage: fuzz.ts [seconds] [seed]');
  process.exit(2);
}
let runs = 0;
let slowest = 0;
let slowestText = '';
const deadline = performance.now() + seconds * 1000;
for (let round = 0; performance.now() < deadline; round++) {
  const result = fc.check(
    fc.property(mutated, (text) => {
      const began = performance.now();
      exercise(text);
      const took = performance.now() - began;
      if (took > slowest) {
        slowest = took;
        slowestText = text;
      }
      runs++;
    }),
    { numRuns: 5000, seed: seed + round },
  );
  if (result.failed) {
    console.error(`seed ${seed + round}: ${String(result.errorInstance)}`);
    console.error(JSON.stringify(result.counterexample?.[0]));
    process.exit(1);
  }
}
console.log(
  `${runs} messages in ${seconds} s from seed ${seed}, slowest ${slowest.toFixed(1)} ms (${slowestText.length} octets)`,
);
