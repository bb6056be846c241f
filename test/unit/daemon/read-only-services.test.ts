import assert from 'node:assert/strict';
import { test } from 'node:test';
import { servicesOfCopy } from '../../../src/daemon/read-only-services.js';
import { NO_SERVICES } from '../../../src/script/services.js';

function copy() {
  const ran: string[] = [];
  const services = servicesOfCopy({
    ...NO_SERVICES,
    database: () => ({
      query: async (statement) => {
        ran.push(statement);
        return { columns: [], rows: [] };
      },
      quoted: String,
      insert: async (table) => {
        ran.push(table);
      },
      replace: async (table) => ran.push(table),
    }),
    publish: () => assert.fail('published'),
    subscribe: () => assert.fail('subscribed'),
    http: () => assert.fail('requested'),
  });
  return { services, ran };
}

test('the copy of a script reads databases and writes to none', async () => {
  const { services, ran } = copy();
  const database = services.database('sqlite:///x');
  await database.query('SELECT a FROM b WHERE c = 1');
  await database.query('  select 1');
  for (const statement of [
    'DELETE FROM b',
    'insert into b values (1)',
    'SELECT 1; DELETE FROM b',
    'select a into c from b',
    'SELECT a FROM b FOR UPDATE',
    'WITH x AS (DELETE FROM b RETURNING a) SELECT a FROM x',
    'REPLACE INTO b VALUES (1)',
  ]) {
    await assert.rejects(database.query(statement), { code: 'USAGE' }, statement);
  }
  await assert.rejects(database.insert('acc', []), { code: 'USAGE' });
  await assert.rejects(database.replace('htable', [], 1000), { code: 'USAGE' });
  assert.deepEqual(ran, ['SELECT a FROM b WHERE c = 1', '  select 1']);
});

test('the copy of a script publishes nothing, subscribes nobody and sends no HTTP request', async () => {
  const { services } = copy();
  assert.equal(services.publish('default', 'acc', '{}'), false);
  assert.notEqual(services.subscribe('E_X', 'udp:127.0.0.1:1', 10), undefined);
  const request = { method: 'GET', url: 'http://x', headers: [], body: undefined } as const;
  const bounds = { connectMs: 1, totalMs: 1, maxBytes: 1, verify: true };
  assert.equal(await services.http({ ...request, ...bounds }), 'failed');
});
