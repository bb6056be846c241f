import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExpiringMap } from '../../../src/modules/expiring-map.js';

const keys = (map: ExpiringMap<number>, now = 0): string => [...map.entries(now)].map(([key]) => key).join(' ');

test('what is added to a full map takes the room of the oldest entry', () => {
  const map = new ExpiringMap<number>(3);
  for (const key of ['a', 'b', 'c', 'd']) map.set(key, 1, undefined);
  assert.equal(keys(map), 'b c d');
  map.set('c', 2, undefined);
  map.delete('b');
  map.set('e', 1, undefined);
  map.set('f', 1, undefined);
  assert.equal(keys(map), 'd e f');
  map.clear();
  for (const key of ['g', 'h', 'i', 'j']) map.set(key, 1, undefined);
  assert.equal(keys(map), 'h i j');
});

test('a map that stays full for very long holds the latest entries', () => {
  const map = new ExpiringMap<number>(200_000);
  // Counted in the work of the test itself: with a walk from the start this would be some 10 ** 10 steps.
  for (let i = 0; i < 600_000; i++) map.set(`k${i}`, i, undefined);
  assert.equal(map.get('k399999', 0), undefined);
  assert.equal(map.get('k400000', 0), 400_000);
});

test('an entry is gone at the time it expires, and asked for once', () => {
  const map = new ExpiringMap<number>(10);
  assert.deepEqual(map.expired(0), []);
  map.set('a', 1, 100);
  map.set('b', 2, undefined);
  assert.equal(map.expiresAt('a', 99), 100);
  assert.equal(map.get('a', 100), undefined);
  assert.deepEqual(map.expired(100), [['a', 1]]);
  assert.deepEqual(map.expired(100), []);
  assert.equal(keys(map, 1000), 'b');
});
