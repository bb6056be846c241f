import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import knex, { type Knex } from 'knex';
import { seededRandom } from '../partitions.js';
import { freePort } from '../ports.js';
import { type RunningServer, startMariadb, startPostgres } from '../servers.js';
import { until } from '../until.js';
import { deadRows, type FaultBench, fill, type RunningDaemon, tableStates } from './bench.js';

/** A kind of database server that can be stopped and restarted on its data. */
export interface DatabaseKind {
  readonly name: 'postgres' | 'mysql';
  readonly start: (options: { port: number; dir: string }) => Promise<RunningServer>;
}

export const DATABASES: readonly DatabaseKind[] = [
  { name: 'postgres', start: startPostgres },
  { name: 'mysql', start: startMariadb },
];

/** One server of a bench; its address is the same whether it runs or not. */
export class RestartableDatabase {
  private running: RunningServer | undefined;

  private constructor(
    readonly kind: DatabaseKind,
    readonly port: number,
    private readonly dir: string,
  ) {}

  /** Reserves its port and folder without starting it. */
  static async prepare(bench: FaultBench, kind: DatabaseKind): Promise<RestartableDatabase> {
    const dir = await mkdtemp(join(tmpdir(), 'switchyard-outage-'));
    const database = new RestartableDatabase(kind, await freePort(), dir);
    bench.defer(async () => {
      await database.kill();
      await rm(dir, { recursive: true, force: true });
    });
    return database;
  }

  get url(): string {
    return `${this.kind.name}://switchyard:secret@127.0.0.1:${this.port}/switchyard`;
  }

  async start(): Promise<void> {
    this.running = await this.kind.start({ port: this.port, dir: this.dir });
  }

  async kill(): Promise<void> {
    await this.running?.kill();
  }

  async stop(): Promise<void> {
    await this.running?.stop();
  }

  /** Stops its process: the system accepts connections, and nobody answers. */
  freeze(): void {
    if (this.running?.alive === true) process.kill(this.running.pid, 'SIGSTOP');
  }

  /** Continues its process. */
  thaw(): void {
    if (this.running?.alive === true) process.kill(this.running.pid, 'SIGCONT');
  }

  /** Runs statements as an administrator. */
  async sql<T>(work: (db: Knex) => Promise<T>): Promise<T> {
    const db = knex({
      client: this.kind.name === 'postgres' ? 'pg' : 'mysql2',
      connection: this.url,
      pool: { min: 0, max: 1 },
    });
    try {
      return await work(db);
    } finally {
      await db.destroy();
    }
  }

  /** Closes every connection except the administrator's; returns their number. */
  cutConnections(): Promise<number> {
    return this.sql(async (db) => {
      if (this.kind.name === 'postgres') {
        const { rows } = (await db.raw(
          "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and application_name = 'switchyard'",
        )) as { rows: unknown[] };
        return rows.length;
      }
      const [processes] = (await db.raw(
        "select id from information_schema.processlist where id <> connection_id() and user = 'switchyard'",
      )) as [{ id: number }[]];
      for (const { id } of processes) await db.raw(`kill connection ${Number(id)}`).catch(() => {});
      return processes.length;
    });
  }
}

/** A daemon with two tenants: "far" in the database, "near" in an SQLite file. */
export async function twoTenants(
  bench: FaultBench,
  database: RestartableDatabase,
  more: { readonly firstLoadMs?: number } = {},
): Promise<RunningDaemon> {
  return bench.daemon({
    settings: {
      modparam: { ds_flush_interval: 1 },
      partitions: [
        { name: 'far', db_url: database.url },
        { name: 'near', db_url: await bench.sqlite(deadRows(3)) },
      ],
    },
    ...more,
  });
}

/** Waits until the table has the states that the daemon has in memory. */
export async function assertWritten(running: RunningDaemon, partition: string, dbUrl: string): Promise<void> {
  const wanted = [...running.states(partition)].sort();
  await until(
    `${partition} written`,
    () => running.metric('switchyard_flush_pending', `{partition="${partition}"}`) === 0,
  );
  assert.deepEqual([...(await tableStates(dbUrl))].sort(), wanted);
}

/**
 * Stops and restarts a database `outages` times while states change: memory is correct throughout and the table at the
 * end, one line is logged at each loss and each return, the other tenant is not affected, and a newly started daemon
 * has all states.
 */
export async function databaseOutages(
  bench: FaultBench,
  kind: DatabaseKind,
  size: { readonly outages: number; readonly seed: number },
): Promise<{ failures: number; written: number }> {
  const random = seededRandom(size.seed);
  const database = await RestartableDatabase.prepare(bench, kind);
  await database.start();
  const rows = deadRows(60);
  await fill(database.url, rows);
  // The daemon serves the other partitions while a slow database is loading.
  const loaded = (daemon: RunningDaemon) => until('far is loaded', () => daemon.states('far').size === rows.length);
  const running = await twoTenants(bench, database);
  await loaded(running);
  const expected = new Map(rows.map(({ uri }) => [`1 ${uri}`, 'active']));
  const change = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const { uri } = rows[random.uint32() % rows.length] as { uri: string };
      const state = expected.get(`1 ${uri}`) === 'active' ? 'inactive' : 'active';
      await running.mark(state === 'active' ? 'a' : 'i', 1, uri, 'far');
      expected.set(`1 ${uri}`, state);
    }
  };
  const failures = () => running.metric('switchyard_flush_failures_total', '{partition="far"}');
  for (let i = 0; i < size.outages; i++) {
    await change(20);
    await assertWritten(running, 'far', database.url);
    const before = failures();
    if (i % 2 === 0) await database.kill();
    else await database.stop();
    await change(20);
    await until('noticed', () => failures() > before);
    await assert.rejects(running.mi('ds_reload', { partition: 'far' }), /Reload failed/);
    await running.mi('ds_reload', { partition: 'near' });
    await change(20);
    assert.deepEqual([...running.states('far')].sort(), [...expected].sort(), 'memory is right while it is away');
    assert.ok(running.metric('switchyard_flush_lag_seconds', '{partition="far"}') > 0);
    await database.start();
    await assertWritten(running, 'far', database.url);
    await running.mi('ds_reload', { partition: 'far' });
    assert.deepEqual([...running.states('far')].sort(), [...expected].sort(), 'and after a reload');
    assert.equal(running.said(/states not written, will retry/).length, i + 1, 'one line when it goes');
    assert.equal(running.said(/states are written again/).length, i + 1, 'one line when it is back');
  }
  assert.equal(running.metric('switchyard_flush_failures_total', '{partition="near"}'), 0);
  await change(10);
  await running.daemon.stop();
  assert.deepEqual([...(await tableStates(database.url))].sort(), [...expected].sort(), 'written at the end');
  const again = await twoTenants(bench, database);
  await loaded(again);
  assert.deepEqual([...again.states('far')].sort(), [...expected].sort(), 'a new daemon has all states');
  return { failures: failures(), written: running.metric('switchyard_flush_written_total', '{partition="far"}') };
}
