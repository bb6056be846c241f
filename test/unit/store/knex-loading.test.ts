import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type { SqlUrl } from '../../../src/store/dialects.js';

/** Whether a package has been loaded in this process, which runs only this file. */
const { cache } = createRequire(import.meta.url);
const has = (name: string): boolean => Object.keys(cache).some((file) => file.includes(`/node_modules/${name}/`));

test('knex is loaded with the first database and nats with its first use, not with the daemon', async () => {
  await import('../../../src/daemon/daemon.js');
  const { DatabasePools } = await import('../../../src/store/pools.js');
  const { parseDatabaseUrl } = await import('../../../src/config/db-url.js');
  const { nullLogger } = await import('../../../src/core/logger.js');
  assert.deepEqual([has('knex'), has('nats')], [false, false]);
  const url = parseDatabaseUrl('sqlite:///tmp/none.sqlite', '/tmp') as SqlUrl;
  const database = new DatabasePools(nullLogger).open(url);
  assert.deepEqual([has('knex'), has('nats')], [true, false]);
  await database.release();
});
