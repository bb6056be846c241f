import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digitsIn, isAt } from '../../../src/core/characters.js';

test('a number is digits only, and no more digits than allowed', () => {
  assert.deepEqual([digitsIn('a507b', 1, 4, 5), digitsIn('0005', 0, 4, 5)], [507, 5]);
  for (const text of ['', '123456', '1 ', '-1', '1a', '١']) assert.equal(digitsIn(text, 0, text.length, 5), -1, text);
});

test('names match in any letter case; only letters are folded', () => {
  assert.ok(isAt('x;TrAnsport=', 2, 'transport') && isAt('max-forwards', 0, 'max-forwards'));
  assert.ok(!isAt('max\rforwards', 0, 'max-forwards') && !isAt('rout', 0, 'route'));
});
