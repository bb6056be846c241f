import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type RecordedHashes, runHashes } from './runner/hashes.js';

test('the hashes are those recorded from OpenSIPS 4.1.0-dev', () => {
  const text = readFileSync(new URL('data/opensips-hash.json', import.meta.url), 'utf8');
  const outcomes = runHashes(JSON.parse(text) as RecordedHashes);
  assert.ok(outcomes.length >= 400, `${outcomes.length} hashes`);
  assert.deepEqual(
    outcomes.filter(({ misses }) => misses.length > 0),
    [],
  );
});
