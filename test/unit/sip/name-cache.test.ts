import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NameCache } from '../../../src/sip/name-cache.js';

test('names that are used again remain while other names displace each other', () => {
  const cache = new NameCache<number>(100);
  for (let i = 0; i < 10; i++) cache.set(`used ${i}`, i, 1e9, 0);
  for (let i = 0; i < 5000; i++) {
    cache.set(`invented ${i}`, i, 1e9, i);
    for (let k = 0; k < 10; k++) assert.equal(cache.get(`used ${k}`, i), k);
  }
  assert.equal(cache.size, 100);
  assert.equal(cache.get('invented 4999', 5000), 4999);
  assert.equal(cache.get('invented 0', 5000), undefined);
});

test('if all names are in use the oldest is removed; a name that expired long ago does not count as used', () => {
  const cache = new NameCache<number>(3);
  for (const [i, name] of ['a', 'b', 'c'].entries()) cache.set(name, i, name === 'b' ? 10 : 1e9, 0);
  for (const name of ['a', 'b', 'c']) cache.get(name, 1);
  cache.set('d', 3, 1e9, 100_000);
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((name) => cache.former(name, 0, 0)),
    [0, undefined, 2, 3],
  );
  cache.get('a', 1);
  cache.get('c', 1);
  cache.get('d', 1);
  cache.set('e', 4, 1e9, 2);
  assert.equal(cache.size, 3);
  assert.equal(cache.get('e', 3), 4);
});

test('removing a name of a full cache takes the same time whatever has been removed before', () => {
  const cache = new NameCache<number>(10_000);
  const began = process.cpuUsage();
  for (let i = 0; i < 60_000; i++) cache.set(`name ${i}`, i, 1e9, i);
  const { user, system } = process.cpuUsage(began);
  // With a search from the beginning each time it took 2 s.
  assert.ok(user + system < 1_000_000, `${(user + system) / 1000} ms`);
});
