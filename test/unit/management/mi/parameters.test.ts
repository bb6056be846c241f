import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isYes } from '../../../../src/management/mi/parameters.js';

test('a flag without a value has its default, and every text but a word for no means yes', () => {
  for (const byDefault of [false, true]) {
    assert.equal(isYes(undefined, byDefault), byDefault);
    assert.equal(isYes('', byDefault), byDefault);
    for (const no of ['0', 'n', 'No', 'off', 'false', false, 0]) assert.equal(isYes(no, byDefault), false, String(no));
    for (const yes of ['1', 'y', 'Yes', 'on', 'true', true, 1, 'bogus'])
      assert.equal(isYes(yes, byDefault), true, String(yes));
  }
});
