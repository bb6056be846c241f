import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optionTable } from '../../../src/config/option-tables.js';
import { readSchema } from '../../../src/config/schema.js';

test('the table has a row for every key, with type, default and meaning', () => {
  const table = optionTable('modparam');
  for (const key of Object.keys(readSchema('modparam').properties ?? {}))
    assert.ok(table.includes(`| \`${key}\` |`), key);
  assert.match(table, /^\| Key \| Type \| Default \| Meaning \|\n\| --- \|/);
  assert.match(table, /\| `ds_ping_method` \| string \| `OPTIONS` \| Method of probes\. \|/);
  for (const line of table.trim().split('\n')) assert.equal(line.split(/(?<!\\)\|/).length, 6, line);
});

test('the table has nested objects by dotted names, required keys and choices', () => {
  const table = optionTable('settings');
  assert.match(table, /\| `mi\.fifo\.fifo_name` \| string \| required \|/);
  assert.match(table, /\| `mi\.datagram\[\]\.unix_socket_mode` \| string \| `0660` \|/);
  assert.match(table, /\| `log\.level` \| `trace`, .* \| `info` \|/);
  assert.match(optionTable('partition'), /\| `name` \| string \| required \|/);
});
