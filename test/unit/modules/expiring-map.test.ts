import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExpiringMap, MAX_KEPT_TEXT } from '../../../src/modules/expiring-map.js';

const keys = (map: ExpiringMap<number>, now = 0): string => [...map.entries(now)].map(([key]) => key).join(' ');

test('an entry added to a full map displaces the oldest one', () => {
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
  // A walk from the start for each entry would be about 10 ** 10 steps.
  for (let i = 0; i < 600_000; i++) map.set(`k${i}`, i, undefined);
  assert.equal(map.get('k399999', 0), undefined);
  assert.equal(map.get('k400000', 0), 400_000);
});

test('the number of characters of keys and texts is limited: the oldest entries are removed', () => {
  const map = new ExpiringMap<string | number>(1000, 100);
  const held = (): string => [...map.entries(0)].map(([key, value]) => `${key[0]}${String(value).length}`).join(' ');
  for (const key of ['a', 'b', 'c']) map.set(key, 'v'.repeat(30), undefined);
  map.set('d'.repeat(30), 1, undefined);
  assert.equal(held(), 'b30 c30 d1');
  // When the growing entry is the oldest, only it is evicted.
  map.set('b', 'v'.repeat(60), undefined);
  assert.equal(held(), 'd1 b60');
  map.set('b', 'v', undefined);
  map.set('e', 'v'.repeat(60), undefined);
  assert.equal(held(), 'd1 b1 e60');
  // An entry longer than the limit is kept alone.
  map.set('f', 'v'.repeat(200), undefined);
  assert.equal(held(), 'f200');
  for (const end of [() => map.delete('f'), () => map.clear(), () => map.get('g', 5), () => map.expired(5)]) {
    end();
    for (const key of ['g', 'h', 'i']) map.set(key, 'v'.repeat(32), 5);
    assert.equal([...map.entries(0)].length, 3);
  }
});

test('values that peers choose keep a table within its memory, whatever their length', () => {
  const map = new ExpiringMap<string>(1_000_000);
  const text = 'v'.repeat(60_000);
  for (let i = 0; i < 2000; i++) map.set(`${i}${text}`, 'v', undefined);
  assert.equal([...map.entries(0)].length, Math.floor(MAX_KEPT_TEXT / 60_005));
});

test('an expired entry is no longer found, and is reported once', () => {
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

test('expired entries are removed in the number that is asked for, the oldest first', () => {
  const map = new ExpiringMap<number>(10);
  map.set('kept', 0, undefined);
  for (const i of [1, 2, 3]) map.set(`k${i}`, i, 100);
  map.expired(0);
  assert.deepEqual(map.expired(100, 2), [
    ['k1', 1],
    ['k2', 2],
  ]);
  assert.deepEqual(map.expired(100, 2), [['k3', 3]]);
  assert.equal(keys(map, 1000), 'kept');
});
