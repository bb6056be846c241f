import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkConfiguration } from '../../../src/config/check.js';
import { formatProblems } from '../../../src/config/problem.js';
import { configFolder } from './config-folder.js';

const partition = (name: string) => ({ name, db_url: `text:./${name}` });

test('if files are refused, the report has nothing else', async (t) => {
  const cwd = configFolder(t, { 'switchyard.json': { x: 1 } });
  const report = await checkConfiguration(
    undefined,
    { cwd },
    { readable: async () => assert.fail('nothing is asked') },
  );
  assert.equal(formatProblems(report.problems), 'switchyard.json#/x: unknown key "x"');
  assert.equal(report.settings, undefined);
});

test('files that are named must be readable', async (t) => {
  const cwd = configFolder(t, {
    'switchyard.json': {
      partitions: [partition('a')],
      route_script: './route.js',
      tls: { certificate: './c.pem', private_key: './k.pem' },
      events: { nats: { creds_file: './n.creds' } },
    },
  });
  const seen: string[] = [];
  const report = await checkConfiguration(
    undefined,
    { cwd },
    {
      async readable(path) {
        seen.push(path);
        return path.endsWith('c.pem');
      },
    },
  );
  assert.deepEqual(
    report.problems.map(({ pointer }) => pointer),
    ['/route_script', '/tls/private_key', '/events/nats/creds_file'],
  );
  assert.equal(seen.length, 4);
});
