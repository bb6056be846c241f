import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { parseJson } from '../../../src/config/json-source.js';
import { readSettings } from '../../../src/config/load.js';
import { compositionFaults } from '../../../src/daemon/composition.js';

const DEPLOY = resolve(import.meta.dirname, '../../../examples/deploy');
const text = (name: string) => readFileSync(resolve(DEPLOY, name), 'utf8');
const env = { ADVERTISE: '192.0.2.1:5060', DB_PASSWORD: 'x', NATS_TOKEN: 'x', HOST_IP: '192.0.2.1', NODE_NAME: 'n1' };

test('the settings of every deployment are accepted as they stand', () => {
  const block = /switchyard\.json: \|\n((?: {4}.*\n)+)/.exec(text('kubernetes/switchyard.yml'))?.[1] ?? '';
  for (const [name, source] of [
    ['debian', text('debian/settings.jsonc')],
    ['compose', text('compose/switchyard.json')],
    ['kubernetes', block.replace(/^ {4}/gm, '')],
  ] as const) {
    // A folder of partitions is there once the package is installed.
    const value = { ...(parseJson(source) as object), ...(name === 'debian' ? { partitions: [] } : {}) };
    const { warnings } = readSettings(value, { env, cwd: '/', inspect: compositionFaults }, name);
    assert.deepEqual(
      warnings.filter(({ reason }) => !/peers see/.test(reason)),
      [],
      name,
    );
  }
});

test('the unit starts nothing that one tenant could hold up, and reloads with an answer', () => {
  const unit = text('switchyard.service');
  assert.doesNotMatch(unit, /^ExecStartPre=/m);
  assert.match(unit, /^ExecReload=.* reload --config /m);
});

test('images and manifests are of a current Node and of this version, and probe what is meant for it', () => {
  const { version } = JSON.parse(readFileSync(resolve(DEPLOY, '../../package.json'), 'utf8')) as { version: string };
  const bases = [...text('Dockerfile').matchAll(/^FROM node:([0-9]+)/gm)].map((match) => Number(match[1]));
  assert.ok(bases.length === 2 && bases.every((major) => major >= 24));
  const manifest = text('kubernetes/switchyard.yml');
  assert.ok(manifest.includes(`image: switchyard:${version}`));
  assert.match(manifest, /livenessProbe:\n\s+httpGet: \{ path: \/livez/);
  assert.match(manifest, /readinessProbe:\n\s+httpGet: \{ path: \/readyz/);
});
