import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PvarValue } from '../../../src/pvar/value.js';
import { cellFinder, VarStore } from '../../../src/pvar/var-store.js';

test('a cell reads assignments and removals that are made by name', () => {
  const store = new VarStore([['x', 1]]);
  const cell = store.cell('x');
  store.set('x', 2);
  assert.equal(cell.value, 2);
  store.delete('x');
  assert.deepEqual([cell.value, store.has('x'), [...store.entries()]], [undefined, false, []]);
  store.set('x', 'again');
  assert.equal(cell.value, 'again');
  cell.value = 3;
  assert.equal(store.get('x'), 3);
});

test('a finder uses the current store', () => {
  const find = cellFinder('x');
  const [one, other] = [new VarStore([['x', 1]]), new VarStore([['x', 2]])];
  assert.deepEqual(
    [one, other, one].map((store) => find(store).value),
    [1, 2, 1],
  );
});

test('behaves like a map, whichever names have cells', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const step = fc.oneof(
    fc.record({ op: fc.constant('set' as const), name, value: fc.oneof(fc.nat(3), fc.constantFrom('', 'x')) }),
    fc.record({ op: fc.constantFrom('delete' as const, 'cell' as const), name, value: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const store = new VarStore();
      const map = new Map<string, PvarValue>();
      for (const { op, name, value } of steps) {
        if (op === 'cell') store.cell(name);
        else if (op === 'set') {
          store.set(name, value);
          map.set(name, value);
        } else {
          store.delete(name);
          map.delete(name);
        }
      }
      assert.deepEqual(new Map(store.entries()), map);
      for (const each of ['a', 'b', 'c'])
        assert.deepEqual([store.has(each), store.get(each)], [map.has(each), map.get(each)]);
    }),
  );
});
