import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndingClock } from '../../../src/daemon/ending-clock.js';
import { FakeClock } from '../../support/fake-clock.js';

test('timers run as timers of the real clock do until the clock has ended, and not afterwards', () => {
  const clock = new FakeClock();
  const ending = new EndingClock(clock);
  const run: string[] = [];
  ending.schedule(10, () => run.push('first'));
  const cancel = ending.schedule(10, () => run.push('cancelled'));
  ending.schedule(30, () => run.push('late'));
  cancel();
  clock.advance(20);
  assert.deepEqual(run, ['first']);
  assert.equal(ending.monotonic(), clock.monotonic());
  ending.end();
  ending.schedule(1, () => run.push('after the end'));
  clock.advance(100);
  assert.deepEqual(run, ['first']);
});
