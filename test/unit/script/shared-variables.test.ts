import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedVariables } from '../../../src/script/shared-variables.js';

test('the number of shared variables of one process is limited; existing ones can still be set', () => {
  const all = sharedVariables(undefined);
  for (let i = 0; i < 100_001; i++) all.set(`name${i}`, i);
  assert.equal(all.size, 100_000);
  assert.equal(all.has('name100000'), false);
  all.set('name5', 'new');
  assert.equal(all.get('name5'), 'new');
});
