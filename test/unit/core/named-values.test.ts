import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namedValues } from '../../../src/core/named-values.js';

test('values are found by name, without blanks around them; parts without "=" are left out', () => {
  assert.deepEqual(
    [...namedValues(' name = q; size=20;;alone; expr = a=b ;name=r')],
    [
      ['name', 'r'],
      ['size', '20'],
      ['expr', 'a=b'],
    ],
  );
  assert.equal(namedValues('').size, 0);
});
