import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { insertRows } from '../../src/store/provision.js';
import { deadRows, FaultBench, fill, tableSpec, tableStates } from '../support/faults/bench.js';
import {
  assertWritten,
  DATABASES,
  databaseOutages,
  RestartableDatabase,
  twoTenants,
} from '../support/faults/database-outage.js';
import { requireMysql, requirePostgres } from '../support/servers.js';
import { until } from '../support/until.js';

for (const kind of DATABASES) {
  const available = kind.name === 'postgres' ? requirePostgres : requireMysql;

  describe(`faults: ${kind.name}`, () => {
    test('after the database is gone and back no state is lost, one line each is logged, and the other tenant is not affected', async (t) => {
      if ((await available(t)) === undefined) return;
      const { failures, written } = await databaseOutages(new FaultBench(t), kind, { outages: 1, seed: 3 });
      assert.ok(failures > 0 && written > 0);
    });

    test('a database that is down at the start is tried again while other partitions serve', async (t) => {
      if ((await available(t)) === undefined) return;
      const bench = new FaultBench(t);
      const database = await RestartableDatabase.prepare(bench, kind);
      const running = await twoTenants(bench, database);
      const { ready, partitions } = running.daemon.health();
      assert.equal(ready, true, 'the others are served');
      assert.equal(partitions['near'], 'ready');
      assert.match(partitions['far'] ?? '', /ECONNREFUSED/);
      assert.equal(running.states('near').size, 3);
      assert.equal(running.metric('switchyard_partition_ready', '{partition="far"}'), 0);
      const rows = deadRows(4);
      await database.start();
      await fill(database.url, rows);
      await until('loaded', () => running.daemon.health().partitions['far'] === 'ready');
      // The retry may have run after the table was created and before its rows were.
      if (running.states('far').size === 0) await running.mi('ds_reload', { partition: 'far' });
      assert.equal(running.states('far').size, 4);
      assert.ok(running.metric('switchyard_reload_failures_total', '{partition="far"}') >= 1);
      assert.doesNotMatch(JSON.stringify(running.log), /secret/);
    });

    test('two daemons that write one table at once do not stop each other', async (t) => {
      if ((await available(t)) === undefined) return;
      const bench = new FaultBench(t);
      const database = await RestartableDatabase.prepare(bench, kind);
      await database.start();
      const rows = deadRows(400);
      await fill(database.url, rows);
      const start = (node: string) =>
        bench.daemon({ settings: { node, modparam: { db_url: database.url, ds_flush_interval: 1 } } });
      const daemons = [await start('sw1'), await start('sw2')] as const;
      const unwritten = () => daemons.map((each) => each.metric('switchyard_flush_pending', '{partition="default"}'));
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < rows.length; i++) {
          // In opposite orders, so that each meets rows that the other has locked.
          await daemons[0].mark((i + round) % 2 === 0 ? 'a' : 'i', 1, rows[i]?.uri ?? '');
          await daemons[1].mark((i + round) % 3 === 0 ? 'i' : 'a', 1, rows.at(-1 - i)?.uri ?? '');
        }
        await until('written', () => unwritten().every((count) => count === 0));
      }
      const states = daemons.map((each) => each.states('default'));
      for (const [key, state] of await tableStates(database.url)) {
        assert.ok(
          states.some((own) => own.get(key) === state),
          `${key} is ${state} in the table only`,
        );
      }
      for (const each of daemons) {
        assert.equal(each.metric('switchyard_partition_ready', '{partition="default"}'), 1);
        assert.deepEqual(each.said(/states are lost/), []);
      }
    });

    test('calls go on while connections are cut and while the table is read-only', async (t) => {
      if ((await available(t)) === undefined) return;
      const bench = new FaultBench(t);
      const database = await RestartableDatabase.prepare(bench, kind);
      await database.start();
      const rows = deadRows(40);
      await fill(database.url, rows);
      const running = await twoTenants(bench, database);
      for (let i = 0; i < 3; i++) {
        for (const { uri } of rows) await running.mark(i % 2 === 0 ? 'i' : 'a', 1, uri, 'far');
        assert.ok((await database.cutConnections()) > 0, 'there was something to cut');
        // It may fail when the connection is cut twice; then the loaded table remains.
        const reload = running.mi('ds_reload', { partition: 'far' }).catch(() => undefined);
        await database.cutConnections();
        await reload;
        assert.equal(running.states('far').size, 40);
        await assertWritten(running, 'far', database.url);
      }
      await running.mi('ds_reload', { partition: 'far' });
      assert.equal(running.states('far').size, 40);

      await readOnly(database, true);
      const uri = rows[0]?.uri as string;
      await running.mark('a', 1, uri, 'far');
      await until('refused', () => running.said(/cannot be written to, states are kept in memory/).length > 0);
      assert.equal(running.destination('far', 1, uri).health.state, 'active');
      await running.mi('ds_reload', { partition: 'far' });
      assert.equal(
        running.destination('far', 1, uri).health.state,
        'active',
        'what could not be written survives a reload',
      );
      assert.equal((await tableStates(database.url)).get(`1 ${uri}`), 'inactive');
      await readOnly(database, false);
      await assertWritten(running, 'far', database.url);
      assert.equal(running.said(/cannot be written to/).length, 1);
      assert.equal(running.said(/states are written again/).length, 1 + running.said(/will retry/).length);
    });
  });
}

/** Replaces the table by a view that cannot be updated, or restores the table. */
async function readOnly(database: RestartableDatabase, on: boolean): Promise<void> {
  const steps = on
    ? ['alter table dispatcher rename to base', 'create view dispatcher as select distinct * from base']
    : ['drop view dispatcher', 'alter table base rename to dispatcher'];
  await database.sql(async (db) => {
    for (const step of steps) await db.raw(step);
  });
}

describe('faults: tables', () => {
  test('states in memory are written into a table that was filled anew, and survive a restart', async (t) => {
    const bench = new FaultBench(t);
    const rows = deadRows(5);
    const dbUrl = await bench.sqlite(rows);
    const settings = { modparam: { db_url: dbUrl, ds_flush_interval: 1 } };
    const running = await bench.daemon({ settings });
    await running.mark('i', 1, rows[2]?.uri as string);
    await assertWritten(running, 'default', dbUrl);
    await insertRows(tableSpec(dbUrl), rows, { replace: true });
    await running.mi('ds_reload');
    await assertWritten(running, 'default', dbUrl);
    await running.daemon.stop();
    const again = await bench.daemon({ settings });
    assert.equal(again.destination('default', 1, rows[2]?.uri as string).health.state, 'inactive');
  });

  test('inherit_state=n takes the states from the table, but not over a change made meanwhile', async (t) => {
    const bench = new FaultBench(t);
    const rows = deadRows(3000);
    const dbUrl = await bench.sqlite(rows);
    const running = await bench.daemon({ settings: { modparam: { db_url: dbUrl } } });
    const [first, second] = [rows[0]?.uri as string, rows[1]?.uri as string];
    await running.mark('i', 1, first);
    await fill(dbUrl, rows);
    const reload = running.mi('ds_reload', { inherit_state: 'n' });
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    await running.mark('i', 1, second);
    await reload;
    assert.equal(running.destination('default', 1, first).health.state, 'active');
    assert.equal(running.destination('default', 1, second).health.state, 'inactive');
    const edges = running.events.map(({ params }) => `${params['address']} ${params['status']}`);
    assert.deepEqual(edges, [`${first} inactive`, `${second} inactive`, `${first} active`]);
  });
});
