import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialplanRules, domainAttributes, trustedRows } from '../../../src/daemon/script-rows.js';

const ROWS = 5000;

type Report = (row: string, reason: string) => void;

for (const [name, column, read] of [
  ['numeric domain attributes', 'value', (rows, report) => domainAttributes(rows, report)],
  ['trusted peers', 'from_pattern', (rows, report) => trustedRows(rows, false, report)],
  ['rules of a dialplan', 'subst_exp', (rows, report) => dialplanRules(rows, 'default', report)],
] as const satisfies readonly (readonly [
  string,
  string,
  (rows: readonly Record<string, unknown>[], report: Report) => unknown,
])[]) {
  test(`of malformed ${name} the first are named, the others counted`, () => {
    const rows = Array.from({ length: ROWS }, (_, id) => ({ id, type: 0, src_ip: 'any', [column]: '(' }));
    const reported: [string, string][] = [];
    read([...rows, { id: ROWS, type: 0, src_ip: 'any', [column]: '1' }], (...each) => void reported.push(each));
    assert.deepEqual(
      reported.map(([row]) => row),
      [...Array.from({ length: 20 }, (_, i) => String(i)), ''],
    );
    assert.equal(reported.at(-1)?.[1], '4980 further rows are left out');
  });
}

test('the attributes of a domain are in order, the last one first', () => {
  const rows = ['a', 'b', 'c', 'd'].map((name) => ({ did: name === 'c' ? 'y' : 'x', name, type: 2, value: '1' }));
  const read = domainAttributes(rows, assert.fail);
  assert.deepEqual(
    read.get('x')?.map(({ name }) => name),
    ['d', 'b', 'a'],
  );
  assert.deepEqual(read.get('y'), [{ name: 'c', value: '1' }]);
});
