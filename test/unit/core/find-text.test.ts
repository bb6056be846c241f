import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findLastText, findText, holdsText, replaceEach, splitAt } from '../../../src/core/find-text.js';
import { assertLinear } from '../../support/growth.js';

/** Repeated texts over few letters, long enough that indexOf() is not used. */
const long = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'b', 'aab', 'abab'), { minLength: 1, maxLength: 6 }),
    fc.integer({ min: 300, max: 900 }),
  )
  .map(([parts, times]) => parts.join('').repeat(times));
const part = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'b', 'aab'), { maxLength: 6 }),
    fc.integer({ min: 1, max: 300 }),
    fc.constantFrom('', 'a', 'b', 'c'),
  )
  .map(([parts, times, end]) => parts.join('').repeat(times) + end);

test('the linear search finds what String.indexOf finds', () => {
  fc.assert(
    fc.property(long, part, fc.integer({ min: -5, max: 6000 }), (text, wanted, from) => {
      assert.equal(findText(text, wanted, from), text.indexOf(wanted, from));
      assert.equal(findLastText(text, wanted, from), text.lastIndexOf(wanted, from));
      assert.equal(findLastText(text, wanted), text.lastIndexOf(wanted));
      assert.equal(holdsText(text, wanted), text.includes(wanted));
      if (wanted === '') return;
      assert.deepEqual(splitAt(text, wanted), text.split(wanted));
      assert.equal(replaceEach(text, wanted, 'xyz', 1e6), text.replaceAll(wanted, 'xyz'));
    }),
    { numRuns: 300 },
  );
});

test('replacements are bounded: the first matches are replaced, the others stay', () => {
  assert.equal(replaceEach('aXbXc', 'X', '12345', 100), 'a12345b12345c');
  assert.equal(replaceEach('aXbXc', 'X', '12345', 10), 'a12345bXc');
  assert.equal(replaceEach('aXbXc', 'X', '12345', 5), 'aXbXc');
  assert.equal(replaceEach('a'.repeat(60_000), 'a', 'b'.repeat(60_000), 1_000_000).length < 1_000_001, true);
});

test('64 KB are searched for half of them within 5 ms', () => {
  const cases = ['aba', 'aab', 'baa', 'b'].map((unit) => ({
    name: unit,
    make: (length: number) => `${unit}${'a'.repeat(length)}`,
  }));
  for (const [name, run] of Object.entries({ findText, findLastText, splitAt, holdsText })) {
    assertLinear(name, cases, (input) => {
      const half = Math.floor(input.length / 2);
      const middle = Math.floor(half / 2);
      run('a'.repeat(half), `${'a'.repeat(middle)}b${input.slice(-middle)}`);
    });
  }
});
