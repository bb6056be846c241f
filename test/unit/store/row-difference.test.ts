import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rowDifference } from '../../../src/store/row-difference.js';
import type { TableRow } from '../../../src/store/table-content.js';

const A = { id: 1, setid: 1, destination: 'sip:a', socket: null, weight: '1' };
const B = { id: 2, setid: 1, destination: 'sip:b', socket: null, weight: '1' };

test('rows are compared by set, URI and socket, without their ids', () => {
  const heavier = { ...B, id: 9, weight: '5' };
  const moved = { ...A, id: 8, setid: 2 };
  assert.deepEqual(rowDifference([A, B], [heavier, moved]), {
    added: [moved],
    removed: [A],
    changed: [{ row: heavier, columns: { weight: ['1', '5'] } }],
    unchanged: 0,
  });
});

test('null and the empty text are the same value', () => {
  assert.equal(rowDifference([A], [{ ...A, socket: '' }]).unchanged, 1);
});

test('among rows with the same set, URI and socket, those with equal values are paired', () => {
  const second = { ...A, id: 3, weight: '7' };
  assert.deepEqual(rowDifference([A, second], [second]), { added: [], removed: [A], changed: [], unchanged: 1 });
});

const row = fc.record({
  setid: fc.integer({ min: 0, max: 2 }),
  destination: fc.constantFrom('sip:a', 'sip:b'),
  weight: fc.constantFrom('1', '2', null),
});

test('every row of both tables is in the result once', () => {
  const rows = fc.array(row, { maxLength: 12 });
  fc.assert(
    fc.property(rows, rows, (before: TableRow[], after: TableRow[]) => {
      const { added, removed, changed, unchanged } = rowDifference(before, after);
      assert.equal(removed.length + changed.length + unchanged, before.length);
      assert.equal(added.length + changed.length + unchanged, after.length);
      assert.ok(changed.every(({ columns }) => Object.keys(columns).length > 0));
    }),
  );
});
