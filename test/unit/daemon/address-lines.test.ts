import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressLines } from '../../../src/daemon/script-rows.js';

test('of the lines of an address file that are left out, twenty are named and the others counted', () => {
  const named: string[] = [];
  const text = `1 10.0.0.1\n${'x 10.0.0.2\n1 10.0.0.0/8\n'.repeat(5000)}2 10.0.0.3 24 5060 tag # comment\n`;
  const rows = addressLines(text, (line, reason) => named.push(`${line}: ${reason}`));
  assert.deepEqual(
    rows.map(({ group, ip, mask }) => [group, ip, mask]),
    [
      [1, '10.0.0.1', 32],
      [2, '10.0.0.3', 24],
    ],
  );
  assert.deepEqual(
    [named.length, named[0], named[20]],
    [21, '2: the group is not a number', ': 9980 further rows are left out'],
  );
});
