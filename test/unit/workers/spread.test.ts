import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Spread } from '../../../src/workers/spread.js';

/**
 * Shares of a number of workers under a simulated load, reviewed every 100 ms. `divided`: how much more a load costs
 * several workers.
 */
function spreading(workers: number, refuses = () => false, divided = 1) {
  let now = 0;
  let demand = 0;
  const silent = new Set<number>();
  const changes: (readonly number[])[] = [];
  const spread: Spread = new Spread({
    workers,
    load: (worker) => {
      const { shares } = spread;
      const cost = shares.filter((share) => share > 0).length > 1 ? divided : 1;
      return silent.has(worker) ? undefined : Math.min(1, demand * cost * (shares[worker - 1] as number));
    },
    apply: (shares) => !refuses() && changes.push(shares) > 0,
    now: () => now,
  });
  for (let worker = 1; worker <= workers; worker++) spread.started(worker);
  return {
    spread,
    silent,
    changes,
    /**
     * Applies a load (in multiples of the capacity of one worker) for `ms` milliseconds; returns the shares after it.
     */
    under(load: number, ms: number): readonly number[] {
      demand = load;
      for (const end = now + ms; now < end; now += 100) spread.look();
      return spread.shares;
    },
  };
}

const round = (shares: readonly number[]) => shares.map((each) => Math.round(100 * each) / 100);

test('all new requests go to the first worker while it has capacity left', () => {
  const { under, changes } = spreading(4);
  assert.deepEqual(under(0.05, 5000), [1, 0, 0, 0]);
  assert.deepEqual(under(0.69, 10_000), [1, 0, 0, 0]);
  assert.deepEqual(changes, []);
});

test('load beyond the capacity of the first worker goes to the second, and so on; each is busy for 60 % of its time', () => {
  const { under } = spreading(4);
  assert.deepEqual(round(under(0.75, 200)), [0.8, 0.2, 0, 0]);
  assert.deepEqual(
    round(under(1.3, 300)),
    [0.25, 0.25, 0.25, 0.25],
    'a full worker does not show how much load there is',
  );
  assert.deepEqual(round(under(1.3, 10_000)), [0.46, 0.46, 0.08, 0]);
  assert.deepEqual(round(under(2.5, 300)), [0.25, 0.25, 0.25, 0.25]);
});

test('a burst after idle time is shared by all workers at the first review', () => {
  const { under, changes } = spreading(3);
  under(0, 2000);
  assert.deepEqual(round(under(1.8, 100)), [0.33, 0.33, 0.33]);
  assert.equal(changes.length, 1);
});

test('a share is taken back after seconds of lower load, not at once; small changes of the load change no share', () => {
  const { under, changes } = spreading(2, undefined, 1.35);
  under(1.5, 1000);
  assert.deepEqual(under(0.3, 2000), [0.5, 0.5]);
  assert.deepEqual(under(0.3, 7000), [1, 0]);
  const before = changes.length;
  under(0.75, 1000);
  for (let i = 0; i < 50; i++) under(i % 2 === 0 ? 0.72 : 0.78, 500);
  assert.ok(changes.length - before <= 2, `${changes.length - before} changes`);
});

test('after a burst one worker gets all requests again if it has the capacity, although two workers are busy for longer with the same load', () => {
  const { under } = spreading(2, undefined, 1.35);
  assert.deepEqual(under(1.4, 500), [0.5, 0.5]);
  assert.deepEqual(under(0.56, 7000), [1, 0], 'two are busy for 0.76 together');
  assert.deepEqual(under(1.4, 500), [0.5, 0.5]);
  assert.ok((under(0.7, 60_000)[1] as number) > 0.3, 'it has no room for this');
});

test('if one worker proves to have too little capacity, the attempt is repeated less and less often', () => {
  const { under, changes } = spreading(2, undefined, 1);
  under(0.74, 600_000);
  assert.ok(changes.length < 30, `${changes.length} changes`);
  const before = changes.length;
  under(0.74, 60_000);
  assert.ok(changes.length - before <= 2, 'once a minute at most');
  // A change since then is detected at once.
  assert.deepEqual(under(0.3, 130_000), [1, 0]);
});

test('load measured before a pause no longer counts', () => {
  const { under, spread } = spreading(2);
  under(1.5, 1000);
  assert.deepEqual(spread.shares, [0.5, 0.5]);
  // No review happens meanwhile.
  const paused = spreading(2);
  paused.under(1.5, 100);
  assert.deepEqual(paused.under(0.1, 7000), [1, 0]);
});

test('a worker that dies loses its share at once; its successor gets one when it is ready', () => {
  const { under, spread } = spreading(2);
  under(0.2, 1000);
  spread.lost(1);
  assert.deepEqual(spread.shares, [0, 1]);
  assert.deepEqual(under(0.9, 1000), [0, 1], 'the other worker has all');
  spread.started(1);
  assert.deepEqual(round(under(0.9, 1000)), [0.5, 0.5]);
  spread.lost(1);
  spread.lost(2);
  assert.deepEqual(
    spread.shares.reduce((sum, each) => sum + each, 0) > 0.99,
    true,
    'shares add up to 1 even without any worker',
  );
});

test('a worker that stops reporting its load gets no share, unless none reports', () => {
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

test('shares that the kernel refuses are tried again', () => {
  let refused = true;
  const { spread, under } = spreading(2, () => refused);
  spread.lost(1);
  assert.deepEqual(spread.shares, [1, 0], 'as they still are');
  refused = false;
  assert.deepEqual(under(0.1, 100), [0, 1]);
});
