import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownDialogs } from '../../../src/workers/known-dialogs.js';

test('a dialog that the brain has accepted is remembered for ten seconds, or until a table is loaded', () => {
  let now = 1000;
  const dialogs = new KnownDialogs(() => now);
  assert.equal(dialogs.has('a'), false);
  dialogs.add('a');
  now += 9000;
  dialogs.add('b');
  assert.deepEqual([dialogs.has('a'), dialogs.has('b'), dialogs.has('c')], [true, true, false]);
  now += 1001;
  assert.deepEqual([dialogs.has('a'), dialogs.has('b')], [false, false]);
  dialogs.add('a');
  dialogs.forget();
  assert.equal(dialogs.has('a'), false);
});

test('the number of dialogs that are remembered is bounded', () => {
  const dialogs = new KnownDialogs(() => 0);
  for (let i = 0; i < 16_384; i++) dialogs.add(String(i));
  assert.equal(dialogs.has('0'), true);
  dialogs.add('one more');
  assert.deepEqual([dialogs.has('0'), dialogs.has('one more')], [false, true]);
});
