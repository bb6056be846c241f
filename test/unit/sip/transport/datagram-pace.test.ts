import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DatagramPace } from '../../../../src/sip/transport/datagram-pace.js';

/** A pace with a maximum of `longestMs`; returns the intervals after each second of datagrams at these rates. */
function intervals(longestMs: number, ...perSecond: readonly number[]): number[] {
  const pace = new DatagramPace(longestMs);
  let at = 0;
  return perSecond.map((rate) => {
    let given = 0;
    for (let ms = 1; ms <= 1000; ms++) {
      const due = Math.floor((rate * ms) / 1000);
      pace.handled(due - given, ++at);
      given = due;
    }
    return pace.intervalMs;
  });
}

describe('DatagramPace', () => {
  test('up to 48 datagrams are collected, and none waits longer than the maximum', () => {
    assert.deepEqual(intervals(10, 1200, 5000, 8000, 12_000, 24_000), [10, 10, 6, 4, 2]);
    assert.deepEqual(intervals(5, 1200, 24_000), [5, 2]);
  });

  test('at a low rate and at a high one datagrams are read as they arrive', () => {
    assert.deepEqual(intervals(10, 0, 100, 480, 40_000), [0, 0, 0, 0]);
    assert.deepEqual(intervals(1, 1200, 6000), [0, 0]);
  });

  test('a rate near the limit does not switch between both modes', () => {
    assert.deepEqual(intervals(10, 450, 520, 450, 320, 280, 450), [0, 10, 10, 10, 0, 0]);
  });

  test('the interval is unchanged while the rate hardly changes, and ends when no datagrams arrive', () => {
    assert.deepEqual(intervals(10, 8000, 9200, 16_000, 0), [6, 6, 3, 0]);
  });

  test('the interval is reported once when it changes', () => {
    const pace = new DatagramPace(10);
    assert.equal(pace.handled(1, 0), false);
    assert.equal(pace.handled(150, 50), false);
    assert.equal(pace.handled(50, 100), true);
    assert.equal(pace.handled(200, 200), false);
    assert.equal(pace.handled(0, 300), true);
  });
});
