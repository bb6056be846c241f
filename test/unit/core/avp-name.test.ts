import assert from 'node:assert/strict';
import { test } from 'node:test';
import { avpName } from '../../../src/core/avp-name.js';

test('the type prefixes of AVP names of old versions are ignored', () => {
  assert.deepEqual(['272', 'i:272', 's:name', ' x ', 's:'].map(avpName), ['272', '272', 'name', 'x', 's:']);
});
