import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

const PROGRAM = `
  const { createRequire } = await import('node:module');
  const require = createRequire(${JSON.stringify(import.meta.url)});
  const has = (name) => Object.keys(require.cache).some((file) => file.includes('/node_modules/' + name + '/'));
  await import('../../../src/daemon/daemon.js');
  const { DatabasePools } = await import('../../../src/store/pools.js');
  const { parseDatabaseUrl } = await import('../../../src/config/db-url.js');
  const { nullLogger } = await import('../../../src/core/logger.js');
  const before = [has('knex'), has('nats')];
  const database = new DatabasePools(nullLogger).open(parseDatabaseUrl('sqlite:///tmp/none.sqlite', '/tmp'));
  console.log(JSON.stringify([before, [has('knex'), has('nats')]]));
  await database.release();
`;

test('knex is loaded with the first database and nats with its first use, not with the daemon', () => {
  const args = [
    '--import',
    'tsx',
    '--input-type=module',
    '-e',
    PROGRAM.replaceAll("'../../../src", `'${new URL('../../../src', import.meta.url).href}`).replaceAll(
      ".js')",
      ".ts')",
    ),
  ];
  assert.deepEqual(JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })), [
    [false, false],
    [true, false],
  ]);
});
