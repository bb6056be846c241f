import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readableText } from '../../../src/core/readable-text.js';

test('UTF-8 is decoded, other bytes stay as they are', () => {
  assert.equal(readableText('duid=a'), 'duid=a');
  assert.equal(readableText(Buffer.from('duid=Zürich').toString('latin1')), 'duid=Zürich');
  assert.equal(readableText('duid=\xe4'), 'duid=\xe4');
});
