import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDryRun, isYes } from '../../../../src/management/mi/parameters.js';

test('a flag without a value has its default, and any text except a word for "no" means yes', () => {
  for (const byDefault of [false, true]) {
    assert.equal(isYes(undefined, byDefault), byDefault);
    assert.equal(isYes('', byDefault), byDefault);
    for (const no of ['0', 'n', 'No', 'off', 'false', false, 0]) assert.equal(isYes(no, byDefault), false, String(no));
    for (const yes of ['1', 'y', 'Yes', 'on', 'true', true, 1, 'bogus'])
      assert.equal(isYes(yes, byDefault), true, String(yes));
  }
});

test('an empty dry_run means yes: nothing is applied', () => {
  for (const yes of ['', '1', 'yes', 1, true]) assert.equal(isDryRun({ dry_run: yes }), true, String(yes));
  for (const no of ['0', 'no', 0, false]) assert.equal(isDryRun({ dry_run: no }), false, String(no));
  assert.equal(isDryRun({}), false);
});
