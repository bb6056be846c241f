/**
 * Fuzzes the parsers with mutations of the torture messages, or with cfg scripts, for a given time: `node --import tsx
 * test/torture/fuzz.ts [seconds] [seed] [messages|scripts]`, 60 seconds of messages by default. Exits with status 1 and
 * the smallest failing input.
 */
import fc from 'fast-check';
import { exerciseScript, garbage, grammatical, mutatedScript } from './cfg-scripts.js';
import { exercise, mutated } from './mutations.js';

const script = fc.oneof(grammatical, mutatedScript, mutatedScript, garbage);

const seconds = Number(process.argv[2] ?? 60);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
const what = process.argv[4] ?? 'messages';
if (!(seconds > 0) || !Number.isInteger(seed) || (what !== 'messages' && what !== 'scripts')) {
  console.error('usage: fuzz.ts [seconds] [seed] [messages|scripts]');
  process.exit(2);
}
let runs = 0;
let slowest = 0;
let slowestText = '';
const deadline = performance.now() + seconds * 1000;
for (let round = 0; performance.now() < deadline; round++) {
  const result = fc.check(
    fc.property(what === 'messages' ? mutated : script, (input) => {
      const text = typeof input === 'string' ? input : input.text;
      const began = performance.now();
      if (typeof input === 'string') exercise(input);
      else exerciseScript(input);
      const took = performance.now() - began;
      if (took > slowest) {
        slowest = took;
        slowestText = text;
      }
      runs++;
    }),
    { numRuns: what === 'messages' ? 5000 : 500, seed: seed + round },
  );
  if (result.failed) {
    console.error(`seed ${seed + round}: ${String(result.errorInstance)}`);
    console.error(JSON.stringify(result.counterexample?.[0]));
    process.exit(1);
  }
}
console.log(
  `${runs} ${what} in ${seconds} s from seed ${seed}, slowest ${slowest.toFixed(1)} ms (${slowestText.length} octets)`,
);
