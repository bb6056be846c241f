import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Spread } from '../../../src/workers/spread.js';

/** Workers of which each handles so much at once, under a load of so many workers: looked at every 100 ms. */
function spreading(workers: number) {
  let now = 0;
  let demand = 0;
  const silent = new Set<number>();
  const changes: (readonly number[])[] = [];
  const spread: Spread = new Spread({
    workers,
    load: (worker) => (silent.has(worker) ? undefined : Math.min(1, demand * (spread.shares[worker - 1] as number))),
    apply: (shares) => changes.push(shares),
    now: () => now,
  });
  for (let worker = 1; worker <= workers; worker++) spread.started(worker);
  return {
    spread,
    silent,
    changes,
    /** So much is to be done for so many milliseconds. */
    under(load: number, ms: number): readonly number[] {
      demand = load;
      for (const end = now + ms; now < end; now += 100) spread.look();
      return spread.shares;
    },
  };
}

const round = (shares: readonly number[]) => shares.map((each) => Math.round(100 * each) / 100);

test('all new requests go to the first worker while it has room', () => {
  const { under, changes } = spreading(4);
  assert.deepEqual(under(0.05, 5000), [1, 0, 0, 0]);
  assert.deepEqual(under(0.59, 10_000), [1, 0, 0, 0]);
  assert.deepEqual(changes, []);
});

test('what is too much for the first goes to the second, and so on; each has half of its time left', () => {
  const { under } = spreading(4);
  assert.deepEqual(round(under(0.7, 200)), [0.71, 0.29, 0, 0]);
  assert.deepEqual(round(under(1.3, 300)), [0.25, 0.25, 0.25, 0.25], 'the first was full: nobody knows of how much');
  assert.deepEqual(round(under(1.3, 10_000)), [0.38, 0.38, 0.23, 0]);
  assert.deepEqual(round(under(2.5, 300)), [0.25, 0.25, 0.25, 0.25]);
});

test('a burst from nothing is shared by all with the first look at it', () => {
  const { under, changes } = spreading(3);
  under(0, 2000);
  assert.deepEqual(round(under(1.8, 100)), [0.33, 0.33, 0.33]);
  assert.equal(changes.length, 1);
});

test('a share is taken back after seconds of less, not at once, and small changes change nothing', () => {
  const { under, changes } = spreading(2);
  under(1.5, 1000);
  assert.deepEqual(under(0.3, 2000), [0.5, 0.5]);
  assert.deepEqual(under(0.3, 7000), [1, 0]);
  const before = changes.length;
  under(0.7, 1000);
  for (let i = 0; i < 50; i++) under(i % 2 === 0 ? 0.62 : 0.8, 500);
  assert.ok(changes.length - before <= 2, `${changes.length - before} changes`);
});

test('after a pause what was before it counts no longer', () => {
  const { under, spread } = spreading(2);
  under(1.5, 1000);
  assert.deepEqual(spread.shares, [0.5, 0.5]);
  // No look in the meantime.
  const paused = spreading(2);
  paused.under(1.5, 100);
  assert.deepEqual(paused.under(0.1, 7000), [1, 0]);
});

test('a worker that dies gets nothing at once, and again when its successor works', () => {
  const { under, spread } = spreading(2);
  under(0.2, 1000);
  spread.lost(1);
  assert.deepEqual(spread.shares, [0, 1]);
  assert.deepEqual(under(0.9, 1000), [0, 1], 'there is no other');
  spread.started(1);
  assert.deepEqual(round(under(0.9, 1000)), [0.5, 0.5]);
  spread.lost(1);
  spread.lost(2);
  assert.deepEqual(spread.shares.reduce((sum, each) => sum + each, 0) > 0.99, true, 'the kernel needs someone');
});

test('a worker that says nothing any more gets nothing, unless none does', () => {
  const { under, silent } = spreading(3);
  under(0.3, 500);
  silent.add(1);
  assert.deepEqual(under(0.3, 500), [0, 1, 0]);
  for (const worker of [2, 3]) silent.add(worker);
  const [first] = under(0.3, 500);
  assert.equal(first, 0);
  silent.clear();
  assert.deepEqual(under(0.3, 8000), [1, 0, 0]);
});
