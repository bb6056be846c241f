import assert from 'node:assert/strict';
import { test } from 'node:test';
import { avpName } from '../../../src/core/avp-name.js';

test('old type prefixes of the names of AVPs mean nothing', () => {
  assert.deepEqual(['272', 'i:272', 's:name', ' x ', 's:'].map(avpName), ['272', '272', 'name', 'x', 's:']);
});
