import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AgedMap } from '../../../src/core/aged-map.js';

test('an entry is kept for its lifetime, counted from when it was last set', () => {
  const map = new AgedMap<number>(100, 10, 1000);
  map.set('a', 1, 1, 0);
  map.set('b', 2, 1, 10);
  map.set('a', 3, 1, 50);
  assert.equal(map.get('a', 149), 3);
  assert.equal(map.get('b', 109), 2);
  assert.equal(map.get('b', 110), undefined);
  assert.equal(map.get('a', 150), undefined);
  map.set('c', 4, 1, 120);
  assert.equal(map.count, 2, 'setting an entry removes expired ones');
});

test('when entries are too many or too large, those set longest ago are removed first', () => {
  const map = new AgedMap<number>(1000, 3, 100);
  for (const [i, key] of ['a', 'b', 'c', 'a', 'd'].entries()) map.set(key, i, 10, i);
  assert.deepEqual(
    [...map.entries(10)].map(([key]) => key),
    ['c', 'a', 'd'],
  );
  map.set('e', 9, 85, 11);
  assert.deepEqual(
    [...map.entries(11)].map(([key]) => key),
    ['d', 'e'],
  );
  assert.equal(map.size, 95);
  map.set('f', 9, 200, 12);
  assert.equal(map.count, 0, 'an entry larger than the whole map may be is not kept');
  assert.equal(map.size, 0);
});

test('property: it holds the same entries as a plain list of the last values set', () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    wait: fc.integer({ min: 0, max: 60 }),
    gone: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const map = new AgedMap<number>(100, 4, 1000);
      let plain: { key: string; value: number; at: number }[] = [];
      let now = 0;
      for (const [i, { key, wait, gone }] of steps.entries()) {
        now += wait;
        plain = plain.filter((each) => each.key !== key);
        if (gone) map.delete(key);
        else {
          map.set(key, i, 1, now);
          plain.push({ key, value: i, at: now });
        }
        plain = plain.filter(({ at }) => now - at < 100).slice(-4);
        for (const each of 'abcdef') assert.equal(map.get(each, now), plain.find((one) => one.key === each)?.value);
        if (!gone) assert.equal(map.count, plain.length);
      }
    }),
  );
});

test('after hundreds of times as many entries it is full and no fuller', () => {
  const map = new AgedMap<number>(1e9, 1000, 1e9);
  for (let i = 0; i < 300_000; i++) map.set(`k${i}`, i, 1, i);
  assert.equal(map.count, 1000);
});
