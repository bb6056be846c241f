import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CFG_REFERENCE, cfgReference } from '../../support/cfg-reference.js';

test('examples/cfg-reference.md shows every function and variable of cfg files (npm run docs)', () => {
  assert.equal(readFileSync(CFG_REFERENCE, 'utf8'), cfgReference());
});
