import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ProbeLine } from '../../../../src/console/server/probe-line.js';

const MINUTE = 60_000;

/** A line of probes at one interval for some minutes, all of 5 ms except the ones numbered in `slow`. */
function line(everyMs: number, minutes: number, slow: Readonly<Record<number, number>> = {}): ProbeLine {
  const made = new ProbeLine();
  for (let i = 0; i * everyMs < minutes * MINUTE; i++) {
    const rtt = slow[i] ?? 5;
    made.add(i * everyMs, rtt, rtt < 0 ? 408 : 200);
  }
  return made;
}

describe('the probes of a destination on a page', () => {
  test('are unchanged while there are few', () => {
    const made = new ProbeLine();
    made.add(1000, 5.25, 200);
    made.add(2000, -1, 408);
    assert.deepEqual(made.points(), [
      [1000, 5.25, 200],
      [2000, -1, 408],
    ]);
    assert.equal(line(30_000, 60).points().length, 120);
  });

  test('cover a quarter of an hour at any interval, in bounded memory', () => {
    for (const everyMs of [200, 1000, 3000, 10_000, 60_000]) {
      const points = line(everyMs, 40).points();
      const [first, last] = [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 0];
      assert.ok(points.length <= 160, `${points.length}`);
      const covered = Math.min(15 * MINUTE, 40 * MINUTE - everyMs);
      assert.ok(last - first >= covered - everyMs, `every ${everyMs} ms: ${(last - first) / MINUTE} minutes`);
      for (const [i, [time]] of points.entries()) assert.ok(i === 0 || time > (points[i - 1]?.[0] ?? 0));
    }
  });

  test('keep the worst of those that are merged, and the newest as they are', () => {
    const missed = 1700;
    const slow = 1900;
    const points = line(1000, 35, { [missed]: -1, [slow]: 250 }).points();
    assert.equal(points.filter(([, rtt]) => rtt === -1).length, 1);
    assert.equal(points.filter(([, rtt, code]) => rtt === 250 && code === 200).length, 1);
    const newest = points.slice(-30).map(([time]) => time);
    assert.deepEqual(
      newest.map((time) => time - (newest[0] ?? 0)),
      Array.from({ length: 30 }, (_, i) => i * 1000),
    );
  });
});
