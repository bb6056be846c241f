import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptPatterns } from '../../../../src/core/regex/kept-patterns.js';

test('an expression is compiled once, and the oldest is dropped beyond the most that are kept', () => {
  const pattern = keptPatterns({ ignoreCase: true }, 2);
  const first = pattern('^a+$');
  assert.equal(first.test('AAA'), true);
  assert.equal(pattern('^a+$'), first);
  pattern('b');
  pattern('c');
  assert.notEqual(pattern('^a+$'), first);
  assert.throws(() => pattern('('), /is not valid/);
});
