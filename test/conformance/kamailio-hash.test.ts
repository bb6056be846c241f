import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type RecordedHashes, runHashes } from './runner/hashes.js';

test('the hashes of one key and of two keys are those recorded from Kamailio 5.6.3', () => {
  const text = readFileSync(new URL('data/kamailio-hash.json', import.meta.url), 'utf8');
  const outcomes = runHashes(JSON.parse(text) as RecordedHashes);
  assert.ok(outcomes.length >= 400, `${outcomes.length} hashes`);
  assert.deepEqual(
    outcomes.filter(({ misses }) => misses.length > 0),
    [],
  );
});
