import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SharedValues } from '../../../src/core/shared-values.js';
import type { KeptValue } from '../../../src/core/value-map.js';
import { ExpiringMap } from '../../../src/modules/expiring-map.js';

const MEGABYTE = 1024 * 1024;

const memoryOf = (bytes = MEGABYTE): SharedArrayBuffer => new SharedArrayBuffer(bytes);
const store = (memory: SharedArrayBuffer, now = () => 0): SharedValues => new SharedValues(memory, now);

describe('values in shared memory', () => {
  test('a value that one view sets another one reads: texts of any characters, numbers, null', () => {
    const memory = memoryOf();
    const [a, b] = [store(memory).table('t', 100), store(memory).table('t', 100)];
    const values: readonly KeptValue[] = ['', 'text', 'é', 'жук', '€'.repeat(3000), 0, -1, 2 ** 40, 1.5, null];
    for (const [i, value] of values.entries()) a.set(`key ${i}`, value, undefined);
    a.set('ключ', 'x', undefined);
    assert.deepEqual([...b.entries(0)], [...values.map((value, i) => [`key ${i}`, value]), ['ключ', 'x']]);
    assert.equal(b.get('ключ', 0), 'x');
    assert.equal(b.get('key', 0), undefined);
  });

  test('tables of different names are separate, whatever the length of the name', () => {
    const values = store(memoryOf());
    const names = ['a', 'b', 'x'.repeat(100), `${'x'.repeat(100)}y`];
    for (const name of names) values.table(name, 10).set('k', name, undefined);
    for (const name of names) assert.deepEqual([...values.table(name, 10).entries(0)], [['k', name]]);
  });

  test('which keys share a bucket differs from store to store, so that peers cannot choose them', () => {
    // Position of the buckets: after 32 words and 256 tables of 16.
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

  test('a full table drops its oldest entry', () => {
    const two = store(memoryOf()).table('t', 2);
    for (const key of ['a', 'b', 'c']) two.set(key, 1, undefined);
    assert.deepEqual(
      [...two.entries(0)].map(([key]) => key),
      ['b', 'c'],
    );
  });

  test('full memory first drops what has expired, then the oldest entry of the largest table', () => {
    let now = 0;
    const values = store(memoryOf(), () => now);
    const [table, other] = [values.table('t', 100_000), values.table('other', 10)];
    other.set('kept', 'x', undefined);
    let count = 0;
    for (; table.get('k1', 0) !== undefined || count < 2; count++)
      assert.equal(table.set(`k${count}`, 'x'.repeat(1000), count % 2 === 0 ? 10 : undefined), true);
    assert.ok(count > 50, `${count} fit`);
    assert.equal(table.get('k0', 0), undefined);
    assert.equal(table.get('k3', 0), 'x'.repeat(1000));
    now = 5000;
    assert.equal(table.set('later', 'x'.repeat(1000), undefined), true);
    assert.ok(table.size < count / 2 + 2, `${table.size} of ${count} are left`);
    assert.equal(other.get('kept', now), 'x');
    table.clear();
    assert.deepEqual([...table.entries(now)], []);
  });

  test('expired entries are not searched at each entry that finds the memory full', () => {
    let [now, walks] = [0, 0];
    const memory = memoryOf();
    const values = store(memory, () => now);
    const table = values.table('t', 100_000);
    const expires = values.expires.bind(values);
    values.expires = (at) => {
      walks++;
      return expires(at);
    };
    for (let i = 0; i < 10_000; i++) table.set(`k${i}`, 1, 1e9);
    assert.ok(table.size < 9000, `${table.size} fit`);
    assert.ok(walks < 10_000, `${walks} entries were looked at`);
    now = 3_600_000;
    walks = 0;
    for (let i = 0; i < 1000; i++) table.set(`l${i}`, 1, 1e9);
    assert.ok(walks > 1000 && walks < 10_000, `${walks} entries were looked at`);
  });

  test('memory that small entries had is used for large ones, and that of large ones for small ones', () => {
    let now = 0;
    const table = store(memoryOf(), () => now).table('t', 100_000);
    for (const [round, characters] of [1, 5000, 20, 100_000, 1].entries()) {
      now += 3_600_000;
      let set = 0;
      for (let i = 0; i < 12_000 && set < 900_000 - characters; i++, set += characters + 150) {
        assert.equal(table.set(`${round} ${i}`, 'x'.repeat(characters), undefined), true, `${characters} at ${i}`);
        assert.equal(table.get(`${round} ${i}`, 0)?.toString().length, characters);
      }
      table.clear();
    }
  });

  test('an entry stays if there is no room for its new value', () => {
    const table = store(memoryOf()).table('t', 10);
    table.set('k', 'old', undefined);
    for (const characters of [2 * MEGABYTE, 20 * MEGABYTE]) {
      assert.equal(table.set('k', 'x'.repeat(characters), undefined), false);
      assert.equal(table.size, 1);
      assert.equal(table.get('k', 0), 'old');
    }
  });

  test('the values behave like a map of one process', () => {
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
          const max = i % 3 === 0 ? 1 : undefined;
          const some = [shared.expired(now, max), model.expired(now, max)] as const;
          if (max !== undefined) for (const found of some) assert.ok(found.length <= max);
          const ours = [...some[0], ...shared.expired(now)];
          const theirs = [...some[1], ...model.expired(now)];
          assert.deepEqual(ours.map(String).sort(), theirs.map(String).sort());
        }
        assert.deepEqual(new Map(views[0].entries(now)), new Map(model.entries(now)));
      }),
      { numRuns: 60 },
    );
  });

  test('after a process died within a change, lists and counts are rebuilt from the entries', () => {
    const memory = memoryOf();
    const table = store(memory).table('t', 1000);
    for (let i = 0; i < 200; i++) table.set(`k${i}`, i, undefined);
    for (let i = 0; i < 200; i += 2) table.delete(`k${i}`);
    const words = new Int32Array(memory);
    // The list of the table, the hash chains, and the lists of free blocks are lost.
    words.fill(-1, 4, 27);
    words.fill(77, 32 + 13, 32 + 15);
    words.fill(123, 32 + 256 * 16, 32 + 256 * 16 + 32_768);
    words[1] = 1;
    const after = store(memory).table('t', 1000);
    assert.equal([...after.entries(0)].length, 100);
    for (let i = 0; i < 200; i++) assert.equal(after.get(`k${i}`, 0), i % 2 === 0 ? undefined : i);
    for (let i = 0; i < 200; i += 2) after.set(`k${i}`, 'again', undefined);
    assert.equal([...after.entries(0)].length, 200);
  });

  test('lists of blocks are rebuilt wherever a process died', () => {
    const step = fc.record({ key: fc.integer({ min: 0, max: 30 }), size: fc.constantFrom(0, 1, 300, 4000, 10_000) });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 30, maxLength: 90 }),
        fc.integer({ min: 1, max: 500 }),
        (steps, death) => {
          const memory = new SharedArrayBuffer(230_000);
          let now = 0;
          let before: readonly (readonly [string, KeptValue])[] = [];
          const dying = store(memory, () => (now += 3_600_000));
          const table = dying.table('t', 1000);
          const { blocks } = dying as unknown as { blocks: { words: Int32Array } };
          let left = death;
          class Died extends Error {}
          const { words } = blocks;
          const guarded = new Proxy(words, {
            get: (target, name) => {
              const value = Reflect.get(target, name, target) as unknown;
              return typeof value === 'function' ? value.bind(target) : value;
            },
            set: (target, name, value) => {
              if (left-- <= 0) throw new Died();
              target[Number(name)] = value as number;
              return true;
            },
          });
          blocks.words = guarded;
          let dead: string | undefined;
          for (const { key, size } of steps) {
            const name = `k${key}`;
            try {
              if (size === 0) table.delete(name);
              else table.set(name, 'x'.repeat(size), undefined);
            } catch (error) {
              if (!(error instanceof Died)) throw error;
              dead = name;
              break;
            }
            before = [...table.entries(0)];
          }
          words[0] = 0;
          const after = store(memory).table('t', 1000);
          const kept = new Map(after.entries(0));
          const lost = before.filter(([name, value]) => name !== dead && kept.get(name) !== value);
          // One entry may have been evicted for the one that was being set.
          assert.ok(lost.length <= 1, `${lost.length} are lost`);
          for (let i = 0; i < 40; i++) assert.equal(after.set(`new ${i}`, 'y'.repeat(200), undefined), true);
          for (let i = 30; i < 40; i++) assert.equal(after.get(`new ${i}`, 0), 'y'.repeat(200));
        },
      ),
      { numRuns: 150 },
    );
  });

  test('a walk holds the lock for a part of the entries at a time', () => {
    const values = store(memoryOf(4 * MEGABYTE));
    const table = values.table('t', 10_000);
    for (let i = 0; i < 5000; i++) table.set(`k${i}`, i, 5);
    let [max, now] = [0, 0];
    const [key, alone] = [values.key.bind(values), values.alone.bind(values)];
    values.key = (at) => {
      now++;
      return key(at);
    };
    values.alone = (run) => {
      now = 0;
      const result = alone(run);
      max = Math.max(max, now);
      return result;
    };
    assert.equal([...table.entries(0)].length, 5000);
    assert.equal([...table.listed()].length, 5000);
    assert.ok(max > 0 && max <= 200, `${max} in one hold`);
    assert.equal(table.expired(6).length, 5000);
    assert.ok(max <= 200, `${max} in one hold`);
    assert.equal(table.size, 0);
  });

  test('a walk visits each entry that stays once, and none twice, whatever others change meanwhile', () => {
    const change = fc.oneof(
      fc.record({
        do: fc.constant('set' as const),
        key: fc.integer({ min: 0, max: 999 }),
        value: fc.constantFrom(1, 'x', 'x'.repeat(300)),
      }),
      fc.record({ do: fc.constant('delete' as const), key: fc.integer({ min: 0, max: 999 }) }),
      fc.record({ do: fc.constant('deleteBefore' as const), key: fc.integer({ min: 0, max: 600 }) }),
      fc.record({ do: fc.constant('order' as const), key: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 600 }), change), { maxLength: 30 }), (changes) => {
        const memory = memoryOf();
        let now = 0;
        const other = store(memory, () => now);
        const table = other.table('t', 5000);
        for (let i = 0; i < 600; i++) table.set(`k${i}`, i, undefined);
        const removed = new Set<string>();
        const seen: string[] = [];
        const due = [...changes].sort(([a], [b]) => a - b);
        for (const [key, value] of store(memory).table('t', 5000).entries(0)) {
          seen.push(key);
          assert.ok(typeof value === 'number' || /^x+$/.test(String(value)), 'no value is torn');
          while (due.length > 0 && (due[0]?.[0] ?? 0) <= seen.length) {
            const [, each] = due.shift() as (typeof due)[number];
            if (each.do === 'set') table.set(`k${each.key}`, each.value, undefined);
            else if (each.do === 'order') {
              now += 3_600_000;
              (other as unknown as { tidy(): boolean }).tidy();
            } else {
              for (let i = each.do === 'delete' ? each.key : 0; i <= each.key; i++) {
                removed.add(`k${i}`);
                table.delete(`k${i}`);
              }
            }
          }
        }
        assert.equal(new Set(seen).size, seen.length, 'none twice');
        const known = new Set(seen);
        for (let i = 0; i < 600; i++) assert.ok(known.has(`k${i}`) || removed.has(`k${i}`), `k${i} is missing`);
        for (const key of seen) assert.ok(Number(key.slice(1)) < 600, 'what is added later is not seen');
      }),
      { numRuns: 100 },
    );
  });

  test('entries are visited in the order in which they were added, also after a rebuild', () => {
    const memory = memoryOf();
    const table = store(memory).table('t', 100);
    for (let i = 0; i < 20; i++) table.set(`k${i}`, 'x', undefined);
    table.set('k3', 'y'.repeat(500), undefined);
    table.delete('k5');
    table.set('k5', 'last', undefined);
    const keys = (values: SharedValues): string[] => [...values.table('t', 100).entries(0)].map(([key]) => key);
    const before = keys(store(memory));
    assert.equal(before[3], 'k3');
    assert.equal(before.at(-1), 'k5');
    new Int32Array(memory)[1] = 1;
    assert.deepEqual(keys(store(memory)), before);
  });

  test('a named lock is shared by all views, and that of an ended process is free; clearing entries does not affect it', () => {
    const memory = memoryOf();
    const [a, b] = [store(memory), store(memory)];
    const lock = a.namedLock('x');
    assert.equal(lock, a.namedLock('x'));
    lock.enter();
    const words = new Int32Array(memory);
    const taken = [...words.subarray(-64)].filter((word) => word === process.pid).length;
    assert.equal(taken, 1);
    const table = b.table('t', 100_000);
    for (let i = 0; i < 20_000; i++) table.set(`k${i}`, 'x'.repeat(200), undefined);
    assert.deepEqual(
      [...words.subarray(-64)].filter((word) => word !== 0),
      [process.pid],
    );
    b.ended(process.pid);
    assert.deepEqual(
      [...words.subarray(-64)].filter((word) => word !== 0),
      [],
    );
  });
});
