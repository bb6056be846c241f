import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli } from '../support/command-line.js';

/** Runs switchyard db on an empty db_text folder; returns its output. */
async function databaseTool(t: TestContext, modparam: object) {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'db'));
  const config = join(folder, 'switchyard.json');
  await writeFile(config, JSON.stringify({ modparam: { db_url: 'text:./db', ...modparam } }));
  const run = (action: string, ...rest: string[]) =>
    runCli(['db', action, '--config', config, '--partition', 'default', '--json', ...rest]);
  const file = async (rows: readonly object[]) => {
    const path = join(folder, 'rows.json');
    await writeFile(path, JSON.stringify(rows));
    return path;
  };
  await run('init');
  return { run, file, table: () => readFile(join(folder, 'db', 'dispatcher'), 'utf8') };
}

const ROW = { setid: 1, destination: 'sip:10.0.0.1', weight: 'fs://:geheim@10.0.0.1:8022' };

test('FreeSWITCH servers are imported, and shown without their passwords', async (t) => {
  const { run, file, table } = await databaseTool(t, { fetch_freeswitch_stats: 1, max_freeswitch_weight: 50 });
  await run('import', await file([ROW]));
  assert.match(await table(), /fs\\:\/\/\\:geheim@10\.0\.0\.1\\:8022/);
  const { out, err } = await run('show');
  assert.deepEqual([JSON.parse(out).weight, err], ['fs://10.0.0.1:8022', '']);
});

test('while the parameter is off a row with a FreeSWITCH server is named without the password', async (t) => {
  const { run, file } = await databaseTool(t, {});
  await run('import', await file([ROW]));
  const { out, err } = await run('show');
  assert.equal(out, '');
  assert.match(err, /weight is the address of a FreeSWITCH server, and fetch_freeswitch_stats is off/);
  assert.doesNotMatch(err, /geheim/);
});

test('an address that cannot be used is not imported and not shown', async (t) => {
  const { run, file } = await databaseTool(t, {});
  const { status, err } = await run('import', await file([{ ...ROW, weight: 'fs://geheim@host' }]));
  assert.equal(status, 2);
  assert.match(err, /row 1: weight: expected fs:\/\/\[username\]:password@host\[:port\]/);
  assert.doesNotMatch(err, /geheim/);
});
