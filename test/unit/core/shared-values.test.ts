import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SharedLock } from '../../../src/core/shared-lock.js';
import { SharedValues } from '../../../src/core/shared-values.js';
import type { KeptValue } from '../../../src/core/value-map.js';
import { ExpiringMap } from '../../../src/modules/expiring-map.js';

const MEGABYTE = 1024 * 1024;

const memoryOf = (bytes = MEGABYTE): SharedArrayBuffer => new SharedArrayBuffer(bytes);
const store = (memory: SharedArrayBuffer, now = () => 0): SharedValues => new SharedValues(memory, now);

describe('values in shared memory', () => {
  test('what one view sets another one reads: texts of any characters, numbers, nothing', () => {
    const memory = memoryOf();
    const [a, b] = [store(memory).table('t', 100), store(memory).table('t', 100)];
    const values: readonly KeptValue[] = ['', 'text', 'é', 'жук', '€'.repeat(3000), 0, -1, 2 ** 40, 1.5, null];
    for (const [i, value] of values.entries()) a.set(`key ${i}`, value, undefined);
    a.set('ключ', 'x', undefined);
    assert.deepEqual([...b.entries(0)], [...values.map((value, i) => [`key ${i}`, value]), ['ключ', 'x']]);
    assert.equal(b.get('ключ', 0), 'x');
    assert.equal(b.get('key', 0), undefined);
  });

  test('tables of different names are apart, whatever the length of the name', () => {
    const values = store(memoryOf());
    const names = ['a', 'b', 'x'.repeat(100), `${'x'.repeat(100)}y`];
    for (const name of names) values.table(name, 10).set('k', name, undefined);
    for (const name of names) assert.deepEqual(values.table(name, 10).entries(0), [['k', name]]);
  });

  test('which keys share a bucket differs from store to store: peers that choose them do not know', () => {
    // Where the buckets stand: behind 32 words and 256 tables of 16.
    const first = 32 + 256 * 16;
    const end = first + 32_768;
    const used = (): ReadonlySet<number> => {
      const memory = memoryOf();
      const table = store(memory).table('t', 1000);
      for (let i = 0; i < 200; i++) table.set(`key ${i}`, 1, undefined);
      const words = [...new Int32Array(memory).subarray(first, end)];
      return new Set(words.flatMap((word, i) => (word === 0 ? [] : [i])));
    };
    const [one, other] = [used(), used()];
    assert.ok(one.size > 150, `${one.size} buckets`);
    const both = [...one].filter((at) => other.has(at)).length;
    assert.ok(both < 40, `${both} are the same`);
  });

  test('a full table drops its oldest entry; full memory first drops what has expired, then refuses', () => {
    const two = store(memoryOf()).table('t', 2);
    for (const key of ['a', 'b', 'c']) two.set(key, 1, undefined);
    assert.deepEqual(
      [...two.entries(0)].map(([key]) => key),
      ['b', 'c'],
    );
    let now = 0;
    const table = store(memoryOf(), () => now).table('t', 100_000);
    let count = 0;
    while (table.set(`k${count}`, 'x'.repeat(1000), count % 2 === 0 ? 10 : undefined)) count++;
    assert.ok(count > 50, `${count} fit`);
    assert.equal(table.get(`k${count}`, 0), undefined);
    now = 10;
    assert.equal(table.set('later', 'x'.repeat(1000), undefined), true);
    assert.equal([...table.entries(10)].length, Math.floor(count / 2) + 1);
    table.clear();
    assert.deepEqual(table.entries(10), []);
  });

  test('it does what a map of one process does', () => {
    const key = fc.integer({ min: 0, max: 12 }).map((i) => `k${i}`);
    const value = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.string({ minLength: 200, maxLength: 400 }));
    const step = fc.oneof(
      fc.record({ do: fc.constant('set' as const), key, value, ttl: fc.option(fc.integer({ min: 1, max: 20 })) }),
      fc.record({ do: fc.constant('delete' as const), key }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 9 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const memory = memoryOf();
        const views = [store(memory).table('t', 50), store(memory).table('t', 50)] as const;
        const model = new ExpiringMap<KeptValue>(50);
        model.expired(0);
        let now = 1;
        for (const [i, each] of steps.entries()) {
          const shared = views[i % 2 === 0 ? 0 : 1];
          if (each.do === 'set') {
            const expires = each.ttl === null ? undefined : now + each.ttl;
            shared.set(each.key, each.value, expires);
            model.set(each.key, each.value, expires);
          } else if (each.do === 'delete') {
            shared.delete(each.key);
            model.delete(each.key);
          } else now += each.ms;
          for (let k = 0; k <= 12; k++) {
            assert.equal(shared.get(`k${k}`, now), model.get(`k${k}`, now));
            assert.equal(shared.expiresAt(`k${k}`, now), model.expiresAt(`k${k}`, now));
          }
          const [ours, theirs] = [shared.expired(now), model.expired(now)];
          assert.deepEqual(ours.map(String).sort(), theirs.map(String).sort());
        }
        assert.deepEqual(new Map(views[0].entries(now)), new Map(model.entries(now)));
      }),
      { numRuns: 60 },
    );
  });

  test('what a process that died within a change left is put in order from the entries', () => {
    const memory = memoryOf();
    const table = store(memory).table('t', 1000);
    for (let i = 0; i < 200; i++) table.set(`k${i}`, i, undefined);
    for (let i = 0; i < 200; i += 2) table.delete(`k${i}`);
    const words = new Int32Array(memory);
    // The list of the table, all that is found by hash, and the lists of free blocks are lost.
    words.fill(-1, 4, 32);
    words.fill(77, 32 + 13, 32 + 15);
    words.fill(123, 32 + 256 * 16, 32 + 256 * 16 + 32_768);
    words[1] = 1;
    const after = store(memory).table('t', 1000);
    assert.equal([...after.entries(0)].length, 100);
    for (let i = 0; i < 200; i++) assert.equal(after.get(`k${i}`, 0), i % 2 === 0 ? undefined : i);
    for (let i = 0; i < 200; i += 2) after.set(`k${i}`, 'again', undefined);
    assert.equal([...after.entries(0)].length, 200);
  });

  test('the lock of a process that has ended is taken from it, that of one that runs is waited for', () => {
    const words = new Int32Array(new SharedArrayBuffer(4));
    words[0] = 4_000_000;
    let looks = 0;
    const lock = new SharedLock(words, 0, 7, () => {
      looks++;
      return looks < 3;
    });
    assert.equal(
      lock.hold(() => words[0]),
      7,
    );
    assert.equal(looks, 3);
    assert.equal(words[0], 0);
  });
});
