import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readRecording } from '../support/recorded-selections.js';
import { runOpensipsSelections } from './runner/opensips-selections.js';

async function replay(file: string): Promise<void> {
  const recording = readRecording(file);
  const outcomes = await runOpensipsSelections(recording);
  assert.deepEqual(
    outcomes.filter(({ misses }) => misses.length > 0),
    [],
  );
  assert.equal(outcomes.length, recording.cases.length);
}

describe('selections recorded from OpenSIPS 4.1.0-dev', () => {
  test('every selection is made as recorded, sequences in order from a fresh load', () =>
    replay('opensips-select.json'));
});

describe('list forms recorded from OpenSIPS 2.1.5', () => {
  test('sets are tried in order and their lists joined, each as long as its "M n" lets it', () =>
    replay('opensips-2.1-lists.json'));
});
