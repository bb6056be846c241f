import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatOf, type RecordingFormat } from './runner/recordings.js';

const FORMATS: Readonly<Record<string, RecordingFormat | undefined>> = {
  'kamailio-further.json': 'kamailio selections',
  'kamailio-hash.json': 'hashes',
  'kamailio-select.json': 'kamailio selections',
  'opensips-2.1-lists.json': 'opensips selections',
  'opensips-hash.json': 'hashes',
  'opensips-inlist-count.json': 'lists',
  'opensips-select.json': 'opensips selections',
  'scripts-kamailio.json': 'scripts',
  'scripts-kamailio-families.json': 'scripts',
  'scripts-kamailio-files.json': 'scripts',
  'scripts-kamailio-fresh.json': 'scripts',
  'scripts-kamailio-further.json': 'scripts',
  'scripts-kamailio-grammar.json': 'scripts',
  'scripts-kamailio-small-modules.json': 'scripts',
  'scripts-kamailio-small-modules-2.json': 'scripts',
  'scripts-kamailio-small-modules-3.json': 'scripts',
  'scripts-kamailio-small-modules-4.json': 'scripts',
  'scripts-kamailio-small-modules-5.json': 'scripts',
  'scripts-kamailio-small-modules-6.json': 'scripts',
  'scripts-kamailio-statements.json': 'scripts',
  'scripts-kamailio-kinds.json': 'scripts',
  'scripts-kamailio-leftovers.json': 'scripts',
  'scripts-kamailio-modules.json': 'scripts',
  'scripts-kamailio-random.json': 'scripts',
  'scripts-kamailio-rules.json': 'scripts',
  'scripts-opensips.json': 'scripts',
  // Calls of the management interface: kamailio-rpc.test.ts replays them.
  'kamailio-rpc.json': undefined,
};

test('every file of recordings has a known format', () => {
  const folder = new URL('data/', import.meta.url);
  const files = readdirSync(folder).filter((each) => each.endsWith('.json'));
  const found = files.map((each) => [each, formatOf(JSON.parse(readFileSync(new URL(each, folder), 'utf8')))]);
  for (const [file, format] of found) assert.equal(format, FORMATS[file as string], file);
  assert.deepEqual(files.sort(), Object.keys(FORMATS).sort());
});

test('a file of another kind has no format', () => {
  for (const other of [null, 1, [], {}, { cases: [] }, { sets: {} }]) assert.equal(formatOf(other), undefined);
});
