import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Generations } from '../../../src/core/generations.js';

describe('a map of two generations', () => {
  test('the newest entries are kept, one to two generations of them', () => {
    const kept = new Generations<number, string>(100);
    for (let i = 0; i < 1050; i++) {
      kept.set(i, `${i}`);
      let size = 0;
      for (let k = 0; k <= i; k++) if (kept.has(k)) size++;
      assert.ok(size <= 200 && size >= Math.min(i + 1, 100), `${size} after ${i + 1}`);
      assert.ok(kept.has(Math.max(0, i - 99)));
    }
  });

  test('an entry that is added again is one of the newest', () => {
    const kept = new Generations<string, number>(2);
    for (const key of ['a', 'b', 'a', 'c', 'd', 'e']) kept.set(key, 1);
    assert.deepEqual(
      ['a', 'b', 'c', 'd', 'e'].map((key) => kept.has(key)),
      [true, false, true, true, true],
    );
    for (const key of ['c', 'f', 'g']) kept.set(key, 2);
    assert.equal(kept.has('c'), true);
  });

  test('it says when a generation begins', () => {
    const kept = new Generations<number, true>(2);
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((key) => kept.set(key, true)),
      [false, false, true, false, true],
    );
  });

  test('an entry is taken out of both generations', () => {
    const kept = new Generations<string, number>(10);
    kept.set('a', 1);
    kept.begin();
    kept.set('a', 2);
    assert.equal(kept.take('a'), 2);
    assert.equal(kept.take('a'), undefined);
    kept.set('b', 3);
    kept.begin();
    assert.equal(kept.take('b'), 3);
    kept.set('c', 4);
    kept.begin();
    kept.begin();
    assert.equal(kept.has('c'), false);
  });
});
