import { test } from 'node:test';
import fc from 'fast-check';
import { exerciseScript, garbage, grammatical, mutatedScript } from './cfg-scripts.js';

const check = (arbitrary: typeof grammatical, numRuns: number) =>
  fc.assert(fc.property(arbitrary, exerciseScript), { numRuns });

test('scripts that follow the grammar are compiled and run, or refused with a position', () => check(grammatical, 400));

test('mutated scripts are refused with a position, or run', () => check(mutatedScript, 600));

test('random bytes are refused with a position', () => check(garbage, 300));
