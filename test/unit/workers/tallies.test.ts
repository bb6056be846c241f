import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCounters } from '../../../src/daemon/statistics.js';
import { Metrics } from '../../../src/stats/metrics.js';
import { SharedCounters } from '../../../src/workers/shared-counters.js';
import { MAX_COUNTERS, SHARED_BYTES } from '../../../src/workers/shared-layout.js';
import { newCounters, tallies } from '../../../src/workers/tallies.js';

test('every counter of the SIP side is reported, in the same order on both sides', () => {
  const [worker, brain] = [newCounters(), createCounters(new Metrics())];
  const all = (counters: object): unknown[] =>
    Object.values(counters).flatMap((each: object) => ('value' in each ? [each] : all(each)));
  const { layer, proxy, foreign, misdirected, tables } = brain;
  for (const counters of [worker, { layer, proxy, foreign, misdirected, tables }]) {
    assert.equal(new Set(tallies(counters)).size, all(counters).length);
  }
  assert.ok(tallies(worker).length <= MAX_COUNTERS);
  const memory = new ArrayBuffer(SHARED_BYTES);
  const [written, read] = [new SharedCounters(memory, 2), new SharedCounters(memory, 2)];
  for (const [i, each] of tallies(worker).entries()) each.value = i + 1;
  assert.equal(written.publish(tallies(worker)), true);
  assert.equal(written.publish(tallies(worker)), false, 'nothing has changed');
  assert.equal(read.takeInto(tallies(brain)), true);
  assert.equal(brain.layer.requestsReceived.value, 1);
  assert.deepEqual(
    brain.proxy.replies.map(({ value }) => value),
    [18, 19, 20, 21, 22, 23, 24],
  );
  assert.equal(read.takeInto(tallies(brain)), false, 'each is reported once');
  worker.layer.requestsReceived.value += 4;
  written.publish(tallies(worker));
  read.takeInto(tallies(brain));
  assert.equal(brain.layer.requestsReceived.value, 5);
});

test('counters are reported exactly beyond 2^31 and 2^32', () => {
  const memory = new ArrayBuffer(SHARED_BYTES);
  const [written, read] = [new SharedCounters(memory, 1), new SharedCounters(memory, 1)];
  const [own, total] = [{ value: 0 }, { value: 0 }];
  for (const value of [2 ** 30, 2 ** 31 - 1, 2 ** 31 + 5, 2 ** 32 - 1, 2 ** 32 + 7]) {
    own.value = value;
    written.publish([own]);
    read.takeInto([total]);
    assert.equal(total.value, value);
  }
});
