import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LARGE, LargeMessages } from '../../../src/workers/large-messages.js';

test('large messages are passed on up to 2 MB a second, smaller ones are not counted', () => {
  let now = 1000;
  const bound = new LargeMessages(() => now);
  const passed = (size: number, count: number): number => {
    let passed = 0;
    for (let i = 0; i < count; i++) if (bound.take(size)) passed++;
    return passed;
  };
  assert.equal(passed(64 * 1024, 100), 32);
  assert.equal(passed(LARGE - 1, 10_000), 10_000);
  assert.equal(passed(LARGE, 1), 0);
  now += 500;
  assert.equal(passed(64 * 1024, 100), 16);
  now += 60_000;
  assert.equal(passed(64 * 1024, 100), 32, 'what was not used is not saved up');
});
