import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Queue } from '../../../src/core/queue.js';

describe('a queue', () => {
  test('gives entries in the order they came, while others are added', () => {
    const queue = new Queue<number>();
    const expected: number[] = [];
    let next = 0;
    let random = 1;
    for (let i = 0; i < 20_000; i++) {
      random = (random * 48_271) % 0x7fffffff;
      if (random % 5 < 3) {
        expected.push(next);
        queue.push(next++);
      } else {
        assert.equal(queue.head, expected[0]);
        assert.deepEqual(queue.peek(3), expected.slice(0, 3));
        assert.equal(queue.shift(), expected.shift());
      }
      assert.equal(queue.length, expected.length);
    }
    while (expected.length > 0) assert.equal(queue.shift(), expected.shift());
    assert.equal(queue.shift(), undefined);
    assert.equal(queue.length, 0);
  });

  test('takes the same time for each of 200,000 entries as for each of a few', () => {
    const queue = new Queue<number>();
    for (let i = 0; i < 200_000; i++) queue.push(i);
    const began = process.cpuUsage();
    while (queue.shift() !== undefined) {
      // The queue is emptied.
    }
    const { user, system } = process.cpuUsage(began);
    // An array needs several seconds for it.
    assert.ok(user + system < 400_000, `${user + system} us`);
  });
});
