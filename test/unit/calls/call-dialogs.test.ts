import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CallDialogs } from '../../../src/calls/call-dialogs.js';

test('after any additions and removals the table finds the same dialogs as a Map, and names the oldest', () => {
  // Few values of the part that selects the slot, so that entries collide.
  const key = fc.record({ a: fc.integer({ min: -3, max: 3 }), b: fc.constantFrom(0, 1, 2, -1, 63, 64, 127) });
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), key }),
    fc.record({ kind: fc.constant('remove' as const), key }),
    fc.constant({ kind: 'oldest' as const, key: { a: 0, b: 0 } }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const table = new CallDialogs();
      const model = new Map<string, { slot: number; own: number }>();
      const free = Array.from({ length: 60 }, (_, i) => 59 - i);
      let own = 0;
      const forget = (name: string) => {
        const known = model.get(name);
        if (known === undefined) return;
        table.remove(known.slot);
        model.delete(name);
        free.push(known.slot);
      };
      for (const { kind, key } of steps) {
        const name = `${key.a} ${key.b}`;
        if (kind === 'remove') forget(name);
        else if (kind === 'oldest') forget([...model.keys()][0] ?? '');
        else if (!model.has(name)) {
          const slot = free.pop() as number;
          table.add(slot, key.a, key.b, ++own);
          model.set(name, { slot, own });
        }
        assert.equal(table.size, model.size);
        assert.equal(table.oldest, [...model.values()][0]?.slot ?? -1);
        assert.equal(table.find(key.a, key.b), model.get(name)?.slot ?? -1);
      }
      for (const [name, { slot, own: number }] of model) {
        const [a = 0, b = 0] = name.split(' ').map(Number);
        assert.deepEqual([table.find(a, b), table.own(slot)], [slot, number]);
      }
    }),
  );
});

test('the table grows, and finds all of 5,000 dialogs that were not removed', () => {
  const table = new CallDialogs();
  for (let i = 0; i < 5000; i++) table.add(i, Math.imul(i, 0x9e3779b1), i & 1023, i);
  for (let i = 0; i < 5000; i += 2) table.remove(i);
  for (let i = 0; i < 5000; i++) assert.equal(table.find(Math.imul(i, 0x9e3779b1), i & 1023), i % 2 === 0 ? -1 : i);
  assert.equal(table.oldest, 1);
});
