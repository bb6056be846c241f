import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScriptVersions } from '../../../src/workers/script-versions.js';

test('no worker runs a script while one of them lacks the new version', () => {
  const agreed: boolean[] = [];
  const versions: ScriptVersions = new ScriptVersions(2, () => agreed.push(versions.agree));
  assert.equal(versions.agree, true);
  const first = versions.next();
  versions.taken(1, first);
  assert.equal(versions.agree, false);
  const second = versions.next();
  versions.taken(2, first);
  versions.taken(1, second);
  assert.equal(versions.agree, false, 'what a worker had before does not count');
  versions.taken(2, second);
  assert.equal(versions.agree, true);
  assert.deepEqual(agreed, [false, false, true]);
});

test('a restarted worker gets the current version', () => {
  const versions = new ScriptVersions(2, () => undefined);
  const number = versions.next();
  versions.taken(1, number);
  versions.started(2);
  assert.equal(versions.agree, true);
  versions.started(2);
  assert.equal(versions.agree, true);
});
