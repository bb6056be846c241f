import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type KamailioSelections, runKamailioSelections } from './runner/kamailio-selections.js';

describe('selections recorded from Kamailio 5.6.3', () => {
  for (const name of ['kamailio-select.json', 'kamailio-further.json']) {
    test(`a strict partition makes every one of ${name} as recorded`, async () => {
      const text = readFileSync(new URL(`data/${name}`, import.meta.url), 'utf8');
      const recording = JSON.parse(text) as KamailioSelections;
      const outcomes = await runKamailioSelections(recording);
      const differing = outcomes.filter(({ misses }) => misses.length > 0);
      assert.deepEqual(differing.slice(0, 10), [], `${differing.length} of ${outcomes.length} differ`);
      assert.equal(outcomes.length, recording.cases.length);
    });
  }
});
