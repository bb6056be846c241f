import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deadRows, FaultBench, fill } from '../support/faults/bench.js';
import { DATABASES, type DatabaseKind, RestartableDatabase, twoTenants } from '../support/faults/database-outage.js';
import { requireMysql, requirePostgres } from '../support/servers.js';
import { until } from '../support/until.js';

/** A server that accepts connections and never answers, like one whose disk failed. */
async function frozen(bench: FaultBench, kind: DatabaseKind): Promise<RestartableDatabase> {
  const database = await RestartableDatabase.prepare(bench, kind);
  await database.start();
  await fill(database.url, deadRows(4));
  bench.defer(() => database.thaw());
  return database;
}

async function timed<T>(work: Promise<T>): Promise<{ readonly ms: number; readonly outcome: T | Error }> {
  const began = performance.now();
  const outcome = await work.catch((error: Error) => error);
  return { ms: performance.now() - began, outcome };
}

for (const kind of DATABASES) {
  const available = kind.name === 'postgres' ? requirePostgres : requireMysql;

  describe(`faults: ${kind.name} hangs`, () => {
    test('at the start the other partitions are served at once, and its own partition when it answers again', async (t) => {
      if ((await available(t)) === undefined) return;
      const bench = new FaultBench(t);
      const database = await frozen(bench, kind);
      database.freeze();
      const { ms, outcome: running } = await timed(twoTenants(bench, database));
      assert.ok(!(running instanceof Error));
      assert.ok(ms < 2800, `the start took ${ms} ms`);
      assert.equal(running.daemon.health().partitions['near'], 'ready');
      assert.equal(running.states('near').size, 3);
      assert.notEqual(running.daemon.health().partitions['far'], 'ready');
      database.thaw();
      await until('loaded', () => running.daemon.health().partitions['far'] === 'ready');
      assert.equal(running.states('far').size, 4);
    });

    test('each command about its partition ends in time, and commands about another partition do not wait', async (t) => {
      if ((await available(t)) === undefined) return;
      const bench = new FaultBench(t);
      const database = await frozen(bench, kind);
      const running = await twoTenants(bench, database);
      database.freeze();
      const uri = 'sip:127.0.0.99:9';
      const added = timed(running.mi('ds_add', { partition: 'far', set: 1, uri, persist: 1 }));
      for (const method of ['version', 'ds_list']) {
        const { ms } = await timed(running.mi(method, {}));
        assert.ok(ms < 500, `${method} took ${ms} ms`);
      }
      const near = await timed(running.mi('ds_add', { partition: 'near', set: 1, uri, persist: 1 }));
      assert.equal(near.outcome, 'OK');
      assert.ok(near.ms < 1500, `the neighbour's ds_add took ${near.ms} ms`);
      const { ms, outcome } = await added;
      assert.match(String(outcome), /did not answer within 3 s; it may still be written/);
      assert.ok(ms < 4500, `ds_add took ${ms} ms`);
      assert.equal(running.states('far').has(`1 ${uri}`), false, 'it is not there in memory alone');
      const [known] = running.states('far').keys();
      const removed = await timed(
        running.mi('ds_remove', { partition: 'far', set: 1, uri: known?.slice(2) ?? '', persist: 1 }),
      );
      assert.match(String(removed.outcome), /did not answer within 3 s/);
      assert.ok(removed.ms < 4500, `ds_remove took ${removed.ms} ms`);
      assert.equal(running.states('far').size, 4);
    });
  });
}
