import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type TableEntry, TransactionTable } from '../../../../src/sip/transaction/table.js';

class Entry implements TableEntry<Entry> {
  nextInTable: Entry | undefined = undefined;
  constructor(
    readonly keyA: number,
    readonly keyB: number,
  ) {}
}

test('property: finds what was added and not removed, as a map would', () => {
  const key = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer());
  const step = fc.record({ add: fc.boolean(), a: key, b: fc.integer({ min: 0, max: 1 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const table = new TransactionTable<Entry>();
      const model = new Map<string, Entry>();
      for (const { add, a, b } of steps) {
        const known = model.get(`${a} ${b}`);
        if (add && known === undefined) {
          const entry = new Entry(a, b);
          model.set(`${a} ${b}`, entry);
          table.add(entry);
        } else if (!add && known !== undefined) {
          model.delete(`${a} ${b}`);
          table.remove(known);
          table.remove(known);
        }
        assert.equal(table.find(a, b), model.get(`${a} ${b}`));
      }
      assert.equal(table.size, model.size);
      assert.deepEqual(new Set(table.values()), new Set(model.values()));
      for (const entry of model.values()) assert.equal(table.find(entry.keyA, entry.keyB), entry);
    }),
  );
});

test('the table grows and shrinks with the number of transactions, and finds each', () => {
  const table = new TransactionTable<Entry>();
  const entries = Array.from({ length: 50_000 }, (_, i) => new Entry(i, 7));
  for (const entry of entries) table.add(entry);
  assert.equal(table.size, 50_000);
  for (const entry of entries) assert.equal(table.find(entry.keyA, 7), entry);
  assert.equal(table.find(3, 8), undefined);
  for (const entry of entries.slice(0, 49_990)) table.remove(entry);
  assert.deepEqual(
    [...table.values()].map((each) => each.keyA).sort(),
    entries.slice(49_990).map((each) => each.keyA),
  );
  table.clear();
  assert.deepEqual([table.size, [...table.values()]], [0, []]);
});

test('of two with the same key the later one is found until it is removed', () => {
  const table = new TransactionTable<Entry>();
  const [first, second] = [new Entry(1, 1), new Entry(1, 1)];
  table.add(first);
  table.add(second);
  assert.equal(table.find(1, 1), second);
  table.remove(second);
  assert.equal(table.find(1, 1), first);
});
