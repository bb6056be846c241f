import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProcessCounts } from '../../../src/core/process-counts.js';
import { SharedValues } from '../../../src/core/shared-values.js';

test('the total is that of all processes, and what a process counted goes with it', () => {
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
