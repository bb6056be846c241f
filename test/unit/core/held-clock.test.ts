import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeldClock } from '../../../src/core/held-clock.js';
import { FakeClock } from '../../support/fake-clock.js';

test('while the clock is held monotonic() stands still, but now() and timers go on', () => {
  const real = new FakeClock();
  const clock = new HeldClock(real);
  const began = clock.monotonic();
  const fired: number[] = [];
  clock.schedule(5, () => fired.push(clock.monotonic() - began));
  clock.hold();
  real.advance(1);
  assert.equal(clock.monotonic() - began, 1);
  real.advance(1);
  assert.equal(clock.monotonic() - began, 1);
  assert.equal(clock.now(), real.now());
  clock.hold();
  assert.equal(clock.monotonic() - began, 2);
  clock.release();
  real.advance(3);
  assert.deepEqual(fired, [5]);
});
