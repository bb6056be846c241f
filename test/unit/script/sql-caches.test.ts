import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModuleParameters } from '../../../src/script/environment.js';
import { cacheDelimiter, sqlCacheDefinitions } from '../../../src/script/sql-caches.js';

const parameters = (given: Record<string, (string | number)[]>): ModuleParameters =>
  new ModuleParameters(new Map(Object.entries(given)));

const TABLE = 'id=a;db_url=sqlite:///a.db;cachedb_url=local:///;table=t;key=k';

test('definitions of kept tables, with other delimiters; whole tables are read before they expire', () => {
  const given = {
    spec_delimiter: [';'],
    columns_delimiter: [','],
    cache_table: [`${TABLE};columns=x, y`, `${TABLE};on_demand=1;expire=30`, `${TABLE};key_type=int;on_demand=1`],
    full_caching_expire: [1000],
    reload_interval: [100],
  };
  const found = sqlCacheDefinitions(parameters(given));
  assert.deepEqual(
    found.map(({ columns, seconds }) => ({ columns, seconds })),
    [
      { columns: ['x', 'y'], seconds: 900 },
      { columns: [], seconds: 30 },
      { columns: [], seconds: 3600 },
    ],
  );
  assert.deepEqual(
    sqlCacheDefinitions(parameters({ cache_table: [TABLE.replaceAll(';', '\n')] })).map(({ seconds }) => seconds),
    [86_340],
  );
  assert.equal(cacheDelimiter(parameters({ pvar_delimiter: ['\\t'] })), '\t');
});
