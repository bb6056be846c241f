import assert from 'node:assert/strict';
import { test } from 'node:test';
import { switchOf } from '../../../src/core/switch-words.js';

test('words for on and off are read in any letter case, between blanks; other texts are neither', () => {
  for (const text of ['1', 'y', 'yes', 'YES', 'on', 'True', ' enable ']) assert.equal(switchOf(text), true, text);
  for (const text of ['0', 'n', 'no', 'Off', 'false', 'disable\r\n']) assert.equal(switchOf(text), false, text);
  for (const text of ['', '2', 'yes please', 'enabled', 'nope']) assert.equal(switchOf(text), undefined, text);
});
