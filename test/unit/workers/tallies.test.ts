import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCounters } from '../../../src/daemon/statistics.js';
import { Metrics } from '../../../src/stats/metrics.js';
import { newCounters, takeCounts, tallies } from '../../../src/workers/tallies.js';

test('every counter of the SIP side is reported, in the same order on both sides', () => {
  const [worker, brain] = [newCounters(), createCounters(new Metrics())];
  const all = (counters: object): unknown[] =>
    Object.values(counters).flatMap((each: object) => ('value' in each ? [each] : all(each)));
  for (const counters of [worker, { layer: brain.layer, proxy: brain.proxy }]) {
    assert.equal(new Set(tallies(counters)).size, all(counters).length);
  }
  for (const [i, each] of tallies(worker).entries()) each.value = i + 1;
  const added = takeCounts(tallies(worker)) ?? [];
  for (const [i, each] of tallies(brain).entries()) each.value += added[i] ?? 0;
  assert.equal(brain.layer.requestsReceived.value, 1);
  assert.deepEqual(
    brain.proxy.replies.map(({ value }) => value),
    [18, 19, 20, 21, 22, 23, 24],
  );
  assert.equal(takeCounts(tallies(worker)), undefined, 'each is reported once');
});
