import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstLoads } from '../../../src/daemon/first-loads.js';
import { FakeClock } from '../../support/fake-clock.js';

/** A partition whose load ends when the test says so. */
function loading() {
  let end = () => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  const partition = {
    notReady: 'not loaded yet' as string | undefined,
    isCompiling: false,
    start: () => ended,
    async finish(failure?: string) {
      partition.notReady = failure;
      end();
      await settle();
    },
  };
  return partition;
}

const settle = async () => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

/** Whether the start still waits. */
function watch(promise: Promise<void>) {
  const state = { waiting: true };
  void promise.then(() => (state.waiting = false));
  return state;
}

test('a start waits for all loads that end soon', async () => {
  const clock = new FakeClock();
  const [a, b] = [loading(), loading()];
  const state = watch(firstLoads([a, b], clock, 3000));
  await a.finish();
  clock.advance(100);
  await settle();
  assert.equal(state.waiting, true);
  await b.finish();
  assert.equal(state.waiting, false);
});

test('a load that hangs does not hold up the start once another partition is ready', async () => {
  const clock = new FakeClock();
  const [a, b, hanging] = [loading(), loading(), loading()];
  const state = watch(firstLoads([a, b, hanging], clock, 3000));
  await a.finish();
  clock.advance(150);
  await b.finish();
  clock.advance(150);
  await settle();
  assert.equal(state.waiting, true);
  clock.advance(100);
  await settle();
  assert.equal(state.waiting, false);
});

test('a start waits for rows that have been read and are being compiled', async () => {
  const clock = new FakeClock();
  const [a, large] = [loading(), loading()];
  const state = watch(firstLoads([a, large], clock, 3000));
  large.isCompiling = true;
  await a.finish();
  clock.advance(1000);
  await settle();
  assert.equal(state.waiting, true);
  await large.finish();
  assert.equal(state.waiting, false);
});

test('while no partition is ready the start waits for the longest time, and then goes on without one', async () => {
  const clock = new FakeClock();
  const [failing, hanging] = [loading(), loading()];
  const state = watch(firstLoads([failing, hanging], clock, 3000));
  await failing.finish('connection refused');
  clock.advance(2900);
  await settle();
  assert.equal(state.waiting, true);
  clock.advance(100);
  await settle();
  assert.equal(state.waiting, false);
});

test('without partitions there is nothing to wait for', async () => {
  await firstLoads([], new FakeClock(), 3000);
});
