import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../../src/core/clock.js';
import { StartTime } from '../../../src/daemon/start-time.js';

test('the time since the start is right when the clock is set either way', () => {
  let now = 1_800_000_000_000;
  let monotonic = 5000;
  const clock: Clock = { now: () => now, monotonic: () => monotonic, schedule: () => () => {} };
  const pass = (ms: number, set = 0) => {
    now += ms + set;
    monotonic += ms;
  };
  const start = new StartTime(clock);
  pass(14_250);
  assert.deepEqual([start.at, start.seconds], [1_800_000_000_000, 14]);
  pass(1000, 3);
  assert.equal(start.at, 1_800_000_000_000, 'a clock that is slewed changes nothing');
  for (const set of [86_400_000, -172_800_000]) {
    pass(10_000, set);
    assert.equal(Math.round((now - start.at) / 1000), start.seconds);
  }
  assert.equal(start.seconds, 35);
});
