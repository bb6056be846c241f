import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Settings } from '../../../src/config/settings.js';
import { Secret } from '../../../src/daemon/secret.js';
import { FakeClock } from '../../support/fake-clock.js';
import { countingRandom, recordingLogger } from '../../support/sip-recorder.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const random = countingRandom();

function start(secret?: string, file = join(folder, 'switchyard.json')) {
  const settings = { file, secret } as Settings;
  const kept = new Secret(settings, { clock: new FakeClock(), random, log: recordingLogger().log });
  kept.save();
  return kept;
}

test('the key is made at the first start, kept with mode 0600, and the same at the next', () => {
  const first = start().keys.current;
  const path = join(folder, 'switchyard.secret');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(start().keys.current, first);
});

test('a secret in the settings replaces the key, the old key stays accepted, and the secret is written to no other file', () => {
  const before = start().keys.current;
  const kept = start('a secret of sixteen and more');
  assert.notEqual(kept.keys.current, before);
  assert.ok(kept.keys.some((key) => key === before));
  const text = readFileSync(join(folder, 'switchyard.secret'), 'utf8');
  assert.ok(!text.includes('a secret of sixteen'));
  const again = start('a secret of sixteen and more');
  assert.ok(again.keys.some((key) => key === before));
  again.configure({ file: '', secret: 'another secret of sixteen' } as Settings);
  assert.ok(again.keys.some((key) => key === kept.keys.current));
  assert.ok(start('another secret of sixteen').keys.some((key) => key === kept.keys.current));
});

test('without a settings file the key is new in each run', () => {
  assert.notEqual(start(undefined, '(built-in defaults)').keys.current, start(undefined, '(built-in)').keys.current);
});
