import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { parseDatabaseUrl } from '../../src/config/db-url.js';
import { nullLogger } from '../../src/core/logger.js';
import { createStore } from '../../src/store/create-store.js';
import type { SqlUrl } from '../../src/store/dialects.js';
import { DatabasePools } from '../../src/store/pools.js';
import { initDatabase, insertRows } from '../../src/store/provision.js';
import type { DestinationStore } from '../../src/store/store.js';
import { COLUMNS } from '../support/columns.js';
import { freePort } from '../support/ports.js';
import { type RunningServer, requireMysql, requirePostgres, startMariadb, startPostgres } from '../support/servers.js';
import { sqlFixture, storeConfig } from '../support/store-fixtures.js';

interface Server {
  readonly kind: string;
  readonly require: (t: TestContext) => Promise<string | undefined>;
  readonly start: (options: { port: number; dir: string }) => Promise<RunningServer>;
  readonly url: (port: number) => string;
}

const SERVERS: readonly Server[] = [
  {
    kind: 'postgres',
    require: requirePostgres,
    start: startPostgres,
    url: (port) => `postgres://switchyard:secret@127.0.0.1:${port}/switchyard`,
  },
  {
    kind: 'mysql',
    require: requireMysql,
    start: startMariadb,
    url: (port) => `mysql://switchyard:secret@127.0.0.1:${port}/switchyard`,
  },
];

const ROW = { setId: 1, uri: 'sip:192.0.2.1' };

for (const server of SERVERS) {
  describe(`store faults: ${server.kind}`, () => {
    test('a database that is down is reported at once and used as soon as it is back, also after a crash', async (t) => {
      if ((await server.require(t)) === undefined) return;
      const dir = await mkdtemp(join(tmpdir(), 'switchyard-fault-'));
      t.after(() => rm(dir, { recursive: true, force: true }));
      const port = await freePort();
      const url = server.url(port);
      const store = open(t, url);

      const began = performance.now();
      await assert.rejects(store.load(), {
        code: 'STORE_UNREACHABLE',
        retryable: true,
        message: /127\.0\.0\.1.*ECONNREFUSED/,
      });
      assert.ok(performance.now() - began < 4000, 'a refused connection is not waited for');

      let running = await server.start({ port, dir });
      t.after(() => running.kill());
      const spec = {
        url: parseDatabaseUrl(url, '/'),
        table: 'dispatcher',
        columns: COLUMNS,
        flavour: 'opensips' as const,
      };
      await initDatabase(spec);
      await insertRows(spec, [ROW]);
      const { rows } = await store.load();
      assert.equal(rows.length, 1);
      const writes = rows.map(({ rowId, setId, uri }) => ({ rowId, setId, uri, state: 'inactive' as const }));

      await running.kill();
      await assert.rejects(store.saveStates(writes), { code: 'STORE_UNREACHABLE', retryable: true });
      await assert.rejects(store.load(), (error: Error) => {
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });

      running = await server.start({ port, dir });
      await store.saveStates(writes);
      assert.equal((await store.load()).rows[0]?.state, 'inactive');
    });

    test('a server that takes the connection and says nothing is unreachable', async (t) => {
      const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
      await once(silent, 'listening');
      t.after(() => silent.close());
      const store = open(t, server.url((silent.address() as AddressInfo).port));
      await assert.rejects(store.load(), { code: 'STORE_UNREACHABLE', retryable: true });
    });

    test('connections that are killed while idle or in the middle of a load do not fail it', async (t) => {
      const url = await server.require(t);
      if (url === undefined) return;
      const fixture = sqlFixture(t, url);
      await initDatabase(fixture.spec);
      await insertRows(
        fixture.spec,
        Array.from({ length: 20_000 }, (_, i) => ({ setId: 1, uri: `sip:gw${i}.example` })),
      );
      const store = fixture.store();
      assert.equal((await store.load()).rows.length, 20_000);
      await killOwn(fixture.sql as NonNullable<typeof fixture.sql>, server.kind);
      assert.equal((await store.load()).rows.length, 20_000, 'after idle connections were killed');

      const loading = store.load();
      await killOwn(fixture.sql as NonNullable<typeof fixture.sql>, server.kind);
      assert.equal((await loading).rows.length, 20_000, 'while it was loading');
    });

    test('a lock of another client on the whole table is waited for at most 5 s', async (t) => {
      const url = await server.require(t);
      if (url === undefined) return;
      const fixture = sqlFixture(t, url);
      await initDatabase(fixture.spec);
      await insertRows(fixture.spec, [ROW]);
      const store = fixture.store();
      const { rows } = await store.load();
      const states = rows.map(({ rowId, setId, uri }) => ({ rowId, setId, uri, state: 'probing' as const }));
      const other = new DatabasePools(nullLogger).open(fixture.spec.url as SqlUrl);
      t.after(() => other.release());
      await other.run((knex) =>
        knex.transaction(async (trx) => {
          const { table } = fixture.spec;
          if (server.kind === 'postgres') await trx.raw('lock table ?? in access exclusive mode', [table]);
          else await trx.raw('lock tables ?? write', [table]);
          const began = performance.now();
          const refused = { code: 'STORE_FAILED', retryable: true, message: /lock (wait )?timeout/i };
          await Promise.all([assert.rejects(store.load(), refused), assert.rejects(store.saveStates(states), refused)]);
          const waited = performance.now() - began;
          assert.ok(waited > 4000 && waited < 25_000, `${waited} ms`);
          if (server.kind === 'mysql') await trx.raw('unlock tables');
        }),
      );
      await store.saveStates(states);
      assert.equal((await store.load()).rows[0]?.state, 'probing');
    });

    test('a connection that no longer answers is given up in time, and the next attempt works', async (t) => {
      const url = await server.require(t);
      if (url === undefined) return;
      const fixture = sqlFixture(t, url);
      await initDatabase(fixture.spec);
      await insertRows(fixture.spec, [ROW]);
      const { port } = new URL(url);
      const proxy = await startProxy(t, Number(port));
      const pools = new DatabasePools(nullLogger, { operationMs: 1000 });
      const config = storeConfig(url.replace(`:${port}/`, `:${proxy.port}/`), fixture.spec.table);
      const store = createStore(config, { pools });
      t.after(() => store.close());
      assert.equal((await store.load()).rows.length, 1);
      proxy.fallSilent();
      await assert.rejects(store.load(), { code: 'STORE_UNREACHABLE', message: /no answer within 1000 ms/ });
      assert.equal((await store.load()).rows.length, 1);
    });
  });
}

/** Forwards to `port` until it is switched to drop everything, like a broken network. */
async function startProxy(t: TestContext, port: number) {
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    // Connections that are open when the proxy stops forwarding remain silent; later ones work.
    let deaf = false;
    deafen.push(() => {
      deaf = true;
    });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (data) => deaf || to.write(data));
      from.on('error', () => {});
      from.on('close', () => to.destroy());
    }
  });
  const deafen: (() => void)[] = [];
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return {
    port: (proxy.address() as { port: number }).port,
    fallSilent: () => {
      for (const each of deafen.splice(0)) each();
    },
  };
}

/**
 * Kills every connection of this test's pool except the one that runs the statement; connections of other tests are not
 * affected.
 */
async function killOwn(sql: NonNullable<ReturnType<typeof sqlFixture>['sql']>, kind: string): Promise<void> {
  await sql(async (knex) => {
    const tarn = (knex.client as { pool: { used: Lease[]; free: Lease[] } }).pool;
    const mine = [...tarn.used, ...tarn.free].map((lease) => lease.resource);
    for (const connection of mine) {
      const pid = connection.processID ?? connection.threadId;
      if (kind === 'postgres')
        await knex.raw('select pg_terminate_backend(?) where pg_backend_pid() <> ?', [Number(pid), Number(pid)]);
      else await knex.raw(`kill connection ${Number(pid)}`).catch(() => {});
    }
  });
}

interface Lease {
  readonly resource: { processID?: number; threadId?: number };
}

function open(t: TestContext, url: string): DestinationStore {
  const store = createStore(storeConfig(url, 'dispatcher'), { pools: new DatabasePools(nullLogger) });
  t.after(() => store.close());
  return store;
}

describe('store faults: sqlite', () => {
  test('a missing file is reported and not created; a file that is renamed to its path is found', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'switchyard-fault-'));
    t.after(() => rm(dir, { recursive: true, force: true }));
    const path = join(dir, 'a.db');
    const store = open(t, `sqlite://${path}`);
    await assert.rejects(store.load(), { code: 'STORE_UNREACHABLE', message: /no such file .*switchyard db init/ });
    await assert.rejects(store.load(), { code: 'STORE_UNREACHABLE' }, 'still not there');
    for (const [file, uri] of [
      [path, 'sip:old.example'],
      [join(dir, 'b.db'), 'sip:new.example'],
    ] as const) {
      const spec = {
        url: parseDatabaseUrl(`sqlite://${file}`, '/'),
        table: 'dispatcher',
        columns: COLUMNS,
        flavour: 'opensips' as const,
      };
      await initDatabase(spec);
      await insertRows(spec, [{ setId: 1, uri }]);
    }
    assert.equal((await store.load()).rows[0]?.uri, 'sip:old.example');
    await rename(join(dir, 'b.db'), path);
    assert.equal((await store.load()).rows[0]?.uri, 'sip:new.example');
  });

  test('waiting for a lock of another client does not block the event loop', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'switchyard-fault-'));
    t.after(() => rm(dir, { recursive: true, force: true }));
    const fixture = sqlFixture(t, `sqlite://${dir}/a.db`);
    await initDatabase(fixture.spec);
    await insertRows(fixture.spec, [ROW]);
    const store = fixture.store();
    const { rows } = await store.load();
    let saved: Promise<void> | undefined;
    let iterations = 0;
    const other = new DatabasePools(nullLogger).open(fixture.spec.url as SqlUrl);
    t.after(() => other.release());
    await other.run(async (knex) => {
      await knex.transaction(async (trx) => {
        await trx(fixture.spec.table).update({ attrs: 'held' });
        saved = store.saveStates(rows.map(({ rowId, setId, uri }) => ({ rowId, setId, uri, state: 'probing' })));
        const until = performance.now() + 150;
        while (performance.now() < until) {
          await new Promise((resolve) => setImmediate(resolve));
          iterations++;
        }
      });
    });
    await saved;
    assert.ok(iterations > 20, `the event loop ran ${iterations} times`);
    const [row] = (await store.load()).rows;
    assert.deepEqual([row?.state, row?.attrs], ['probing', 'held']);
  });

  test('a load from a file that is not an SQLite database fails with a clear error', async (t) => {
    const store = open(t, `sqlite://${import.meta.dirname}/store-faults.test.ts`);
    await assert.rejects(store.load(), { code: 'STORE_SCHEMA', message: /not a database/ });
  });
});
