import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { COMMAND_PAGE, commandPage } from '../../support/command-page.js';

test('examples/command-line.md shows the help of every command (npm run docs)', async () => {
  assert.equal(readFileSync(COMMAND_PAGE, 'utf8'), await commandPage());
});
