import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkConfiguration } from '../../../src/config/check.js';
import { formatProblems } from '../../../src/config/problem.js';
import { configFolder } from './config-folder.js';

const partition = (name: string) => ({ name, db_url: `text:./${name}` });

test('refused files are the whole report', async (t) => {
  const cwd = configFolder(t, { 'switchyard.json': { x: 1 } });
  let asked = 0;
  const report = await checkConfiguration(undefined, { cwd }, { database: async () => [`${asked++}`] });
  assert.equal(formatProblems(report.problems), 'switchyard.json#/x: unknown key "x"');
  assert.deepEqual([report.settings, asked], [undefined, 0]);
});

test('every database is asked, and what it answers is told of its partition', async (t) => {
  const names = Array.from({ length: 20 }, (_, i) => `p${i}`);
  const cwd = configFolder(t, { 'switchyard.json': { partitions: names.map(partition) } });
  let running = 0;
  let most = 0;
  const report = await checkConfiguration(
    undefined,
    { cwd },
    {
      async database({ name }) {
        most = Math.max(most, ++running);
        await new Promise(setImmediate);
        running--;
        if (name === 'p3') return ['table "dispatcher" has no version'];
        if (name === 'p7') throw new Error('connection refused');
        return [];
      },
    },
  );
  assert.equal(
    formatProblems(report.problems),
    'switchyard.json#/partitions/3: partition "p3": table "dispatcher" has no version\n' +
      'switchyard.json#/partitions/7: partition "p7": connection refused',
  );
  assert.ok(most > 1 && most <= 8, String(most));
  assert.equal(report.settings?.partitions.length, 20);
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
