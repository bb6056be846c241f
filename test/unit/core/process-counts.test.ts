import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProcessCounts } from '../../../src/core/process-counts.js';
import { SharedValues } from '../../../src/core/shared-values.js';

test('the total is the sum over all processes, and the count of a process is subtracted when it ends', () => {
  const step = fc.oneof(
    fc.record({
      process: fc.integer({ min: 1, max: 3 }),
      key: fc.constantFrom('a', 'b', 'name\nvalue 7:1'),
      by: fc.constantFrom(1, 1, -1),
    }),
    fc.record({ ended: fc.integer({ min: 1, max: 3 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const memory = new SharedArrayBuffer(1024 * 1024);
      const counts = [1, 2, 3].map((pid) => new ProcessCounts(new SharedValues(memory, () => 0), pid));
      const model = new Map<string, number>();
      for (const each of steps) {
        if ('ended' in each) {
          counts[each.ended - 1] = new ProcessCounts(new SharedValues(memory, () => 0), each.ended);
          counts[0]?.ended(each.ended);
          for (const key of model.keys()) if (key.startsWith(`${each.ended} `)) model.delete(key);
          continue;
        }
        const { process, key, by } = each;
        counts[process - 1]?.add(key, by);
        model.set(`${process} ${key}`, (model.get(`${process} ${key}`) ?? 0) + by);
      }
      for (const key of ['a', 'b', 'name\nvalue 7:1', 'other']) {
        let total = 0;
        for (const [name, count] of model) if (name.slice(2) === key) total += count;
        assert.equal(counts[1]?.total(key), total);
      }
    }),
    { numRuns: 100 },
  );
});

const countsOf = (pid: number, memory: SharedArrayBuffer, max?: number) =>
  new ProcessCounts(new SharedValues(memory, () => 0), pid, max);

test('keys beyond the shared ones displace none, and a process still knows its own count', () => {
  const memory = new SharedArrayBuffer(1024 * 1024);
  const [one, two] = [countsOf(1, memory, 3), countsOf(2, memory, 3)];
  for (const key of ['first', 'b', 'c', 'd']) one.add(key, 1);
  two.add('first', 1);
  assert.deepEqual([one.total('first'), one.total('d'), two.total('first'), two.total('d')], [2, 1, 2, 0]);
  for (const key of ['first', 'b', 'c', 'd']) one.add(key, -1);
  assert.deepEqual([one.total('first'), one.total('d'), two.total('first')], [1, 0, 1]);
});

test('counts are kept when other tables have filled the memory, and take memory from these tables', () => {
  const memory = new SharedArrayBuffer(512 * 1024);
  const values = new SharedValues(memory, () => 0);
  const counts = countsOf(1, memory);
  for (let i = 0; i < 200; i++) counts.add(`value ${i}`, 1);
  const few = values.table('few', 100);
  // In a table with fewer entries than there are counts.
  for (let i = 0; i < 100; i++) few.set(`${i}`, 'x'.repeat(4000), undefined);
  assert.ok(few.size < 100 && few.size > 10, `${few.size}`);
  for (let i = 200; i < 300; i++) counts.add(`value ${i}`, 1);
  const other = countsOf(2, memory);
  for (let i = 0; i < 300; i++) assert.equal(other.total(`value ${i}`), 1, `value ${i}`);
});

test('a long key takes little memory', () => {
  const memory = new SharedArrayBuffer(512 * 1024);
  const [one, two] = [countsOf(1, memory), countsOf(2, memory)];
  for (let i = 0; i < 50; i++) one.add(`${i}${'x'.repeat(60_000)}`, 1);
  for (let i = 0; i < 50; i++) assert.equal(two.total(`${i}${'x'.repeat(60_000)}`), 1);
});
