import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairQueue } from '../../../src/core/fair-queue.js';

/** All entries in the order in which they come out. */
function drained(queue: FairQueue<string>): string[] {
  const out: string[] = [];
  for (let each = queue.shift(); each !== undefined; each = queue.shift()) out.push(each);
  return out;
}

test('the sources get their entries in rotation, and each source gets its own in order', () => {
  const queue = new FairQueue<string>();
  for (const each of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.push(each.charAt(0), each);
  assert.equal(queue.length, 6);
  assert.deepEqual(drained(queue), ['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
  assert.equal(queue.length, 0);
  assert.equal(queue.shift(), undefined);
});

test('a new source is served after the sources that wait already, also after the queue was empty', () => {
  const queue = new FairQueue<string>();
  for (const each of ['a1', 'a2']) queue.push('a', each);
  assert.equal(queue.shift(), 'a1');
  queue.push('b', 'b1');
  assert.deepEqual(drained(queue), ['a2', 'b1']);
  queue.push('c', 'c1');
  queue.push('a', 'a3');
  assert.deepEqual(drained(queue), ['c1', 'a3']);
});

test('the next entry of many sources is found in constant time, whatever has been removed before', () => {
  const queue = new FairQueue<string>();
  for (let i = 0; i < 20_000; i++) queue.push(`source ${i}`, 'x');
  const began = process.cpuUsage();
  for (let i = 0; i < 60_000; i++) {
    queue.shift();
    queue.push(`other ${i}`, 'x');
  }
  const { user, system } = process.cpuUsage(began);
  // With a search from the beginning each time it took 2 s.
  assert.ok(user + system < 1_000_000, `${(user + system) / 1000} ms`);
});
