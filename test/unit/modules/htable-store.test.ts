import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { LoadedCfg } from '../../../src/cfg-file/load.js';
import { systemClock } from '../../../src/core/clock.js';
import { SharedValues } from '../../../src/core/shared-values.js';
import { hashRows } from '../../../src/daemon/hash-rows.js';
import { OutsideServices } from '../../../src/daemon/script-services.js';
import { hashTableCommands } from '../../../src/modules/htable/commands.js';
import { fillHashTables } from '../../../src/modules/htable/database.js';
import { storeAtEnd } from '../../../src/modules/htable/store.js';
import { hashTables, setIn } from '../../../src/modules/htable/tables.js';
import type { PvarValue } from '../../../src/pvar/context.js';
import { ModuleStates, type ScriptEnvironment } from '../../../src/script/environment.js';
import type { HashRow } from '../../../src/script/tables.js';
import { recordingLog } from '../../support/recording-log.js';
import { executeSqlite, selectSqlite } from '../../support/sqlite-file.js';

const COLUMNS =
  "id INTEGER PRIMARY KEY, key_name VARCHAR(64) NOT NULL DEFAULT '', key_type INT NOT NULL DEFAULT 0, value_type INT NOT NULL DEFAULT 0, key_value VARCHAR(128) NOT NULL DEFAULT '', expires INT NOT NULL DEFAULT 0";

/** A file with hash tables at a fixed wall clock time, and its log. */
function file(t: TestContext, definitions: readonly string[], more: { url?: string; unread?: readonly string[] } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-htable-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const database = join(folder, 'x.db');
  executeSqlite(database, ['ta', 'tb', 'tc', 'td'].map((each) => `CREATE TABLE ${each} (${COLUMNS});`).join('\n'));
  const { log, lines } = recordingLog();
  const parameters = new Map([
    [
      'htable',
      new Map<string, (string | number)[]>([
        ['htable', [...definitions]],
        ['db_url', [more.url ?? `sqlite://${database}`]],
        ['db_expires', [1]],
      ]),
    ],
  ]);
  const shared = new SharedValues(new SharedArrayBuffer(4 * 1024 * 1024), () => 0);
  const modules = new ModuleStates(parameters, new Set(['htable']), new Map(), undefined, new Map(), shared);
  const hashes = new Map<string, readonly HashRow[]>(
    ['a', 'b', 'c', 'd'].filter((each) => more.unread?.includes(each) !== true).map((each) => [each, []]),
  );
  const services = new OutsideServices({
    folder: () => folder,
    publish: () => false,
    sharingTag: () => undefined,
    subscribe: () => undefined,
    subscribed: () => false,
    raise: () => {},
    captures: () => undefined,
    rpc: () => Promise.resolve(undefined),
    mi: () => Promise.resolve(undefined),
    log,
  });
  t.after(() => services.stop());
  const env = {
    dialect: 'kamailio',
    modules,
    services,
    tables: { hashes },
    peerLog: log,
    clock: { monotonic: () => 0, now: () => 100_900, schedule: systemClock.schedule },
    reloadTables: async () => true,
  } as never as ScriptEnvironment;
  fillHashTables(env);
  storeAtEnd(() => env);
  return {
    services,
    faults: () => lines.filter(({ level }) => level === 'error' || level === 'warn').map(({ fields }) => fields),
    set(table: string, key: string, value: PvarValue) {
      const found = modules.of(hashTables).get(table);
      assert.ok(found);
      setIn(env, found, key, value);
    },
    rows: (table: string) =>
      selectSqlite(
        database,
        `SELECT key_name, key_type, value_type, key_value, expires FROM ${table} ORDER BY key_name`,
      ),
    execute: (statement: string) => executeSqlite(database, statement),
    async run(rpc: string, table?: string): Promise<unknown> {
      const command = hashTableCommands.find((each) => each.rpc === rpc);
      assert.ok(command);
      return command.run(env, { table });
    },
  };
}

test('hash tables with dbmode replace the rows of their tables when the program stops, in the columns that Kamailio fills', async (t) => {
  const { set, rows, execute, services, faults } = file(t, [
    'a=>size=4;dbtable=ta;dbmode=1;autoexpire=60;',
    'b=>size=4;dbtable=tb;dbmode=1;',
    'c=>size=4;dbtable=tc;',
    "d=>size=4;dbtable=td;dbmode=1;cols='key_name,key_value';",
  ]);
  for (const each of ['ta', 'tc', 'td']) execute(`INSERT INTO ${each} (key_name, key_value) VALUES ('old', 'o')`);
  set('a', 'arr[0]', 'p');
  set('a', 'n', -3);
  set('a', "it's", "q'uote \\");
  set('b', 'x', 'bb');
  set('c', 'x', 'cc');
  set('d', 'x', 'dd');
  await services.stop();
  assert.deepEqual(rows('ta').map(Object.values), [
    ['arr[0]', 0, 0, 'p', 160],
    ["it's", 0, 0, "q'uote \\", 160],
    ['n', 0, 1, '-3', 160],
  ]);
  assert.deepEqual(rows('tb').map(Object.values), [['x', 0, 0, 'bb', 0]]);
  for (const each of ['tc', 'td']) assert.deepEqual(rows(each).map(Object.values), [['old', 0, 0, 'o', 0]], each);
  assert.deepEqual(faults(), []);
});

test('text that is not ASCII is unchanged after a restart of the program', async (t) => {
  const { set, rows, services } = file(t, ['a=>dbtable=ta;dbmode=1;']);
  const text = Buffer.from('Zoë Kovácsné ő', 'utf8').toString('latin1');
  set('a', text, text);
  await services.stop();
  const [row] = rows('ta');
  assert.equal(row?.['key_value'], 'Zoë Kovácsné ő');
  const source = { name: 'a', table: 'ta', columns: undefined, delimiter: ',', nothing: '*' };
  const cfg = { modules: new Map() } as unknown as LoadedCfg;
  const read = hashRows([{ ...row }], source, cfg, (_key, reason) => assert.fail(reason));
  assert.deepEqual(read, [{ key: text, value: text, expires: 0 }]);
});

test('one log line names the hash tables that are not written; rows that were never read stay', async (t) => {
  const { set, rows, execute, services, faults } = file(
    t,
    ['a=>dbtable=ta;dbmode=1;', 'b=>dbtable=nowhere;dbmode=1;', 'c=>dbtable=tc;dbmode=1;', 'd=>dbtable=td;dbmode=1;'],
    { unread: ['c'] },
  );
  execute("INSERT INTO tc (key_name, key_value) VALUES ('old', 'o')");
  execute(`DROP TABLE td; CREATE TABLE td (${COLUMNS}, CHECK (length(key_value) < 10))`);
  for (const each of ['a', 'b', 'c', 'd']) set(each, 'x', 'short');
  set('d', 'y', 'longer than the column');
  await services.stop();
  for (const each of ['ta', 'td']) assert.deepEqual(rows(each).map(Object.values), [['x', 0, 0, 'short', 0]], each);
  assert.equal(rows('tc')[0]?.['key_name'], 'old');
  assert.equal(faults().length, 1, JSON.stringify(faults()));
  const { tables, unwritten } = faults()[0] as unknown as {
    tables: number;
    unwritten: { htable: string; reason: string }[];
  };
  assert.equal(tables, 3);
  assert.deepEqual(
    unwritten.map(({ htable }) => htable),
    ['b', 'c', 'd'],
  );
  assert.match(unwritten[0]?.reason ?? '', /no such table/i);
  assert.match(unwritten[1]?.reason ?? '', /could not be read/);
  assert.match(unwritten[2]?.reason ?? '', /refuses 1 entries/);
});

test('a silent database delays the end for a few seconds only, and is named in the log', async (t) => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const each of sockets) each.destroy();
    silent.close();
  });
  const { port } = silent.address() as { port: number };
  const { set, services, faults } = file(t, ['a=>dbtable=ta;dbmode=1;'], { url: `mysql://u:p@127.0.0.1:${port}/x` });
  set('a', 'x', 'y');
  const began = performance.now();
  await services.stop();
  const took = performance.now() - began;
  assert.ok(took < 6000, `${took} ms`);
  const { unwritten } = faults()[0] as unknown as { unwritten: { htable: string; entries: number; reason: string }[] };
  assert.deepEqual(unwritten, [{ htable: 'a', entries: 1, reason: 'the database does not answer in time' }]);
});

test('htable.store, htable.reload, htable.flush and htable.listTables answer as recorded of Kamailio 5.6.3', async (t) => {
  const { set, rows, run } = file(t, ['a=>size=4;dbtable=ta;dbmode=1;autoexpire=60;', 'e=>size=5;updateexpire=0;']);
  set('a', 'x', 'y');
  assert.equal(await run('htable.store', 'a'), 'Ok. Htable successfully stored to DB.');
  assert.deepEqual(rows('ta').map(Object.values), [['x', 0, 0, 'y', 160]]);
  assert.equal(await run('htable.reload', 'a'), 'Ok. Htable reloaded.');
  assert.equal(await run('htable.flush', 'a'), 'Ok. Htable flushed.');
  for (const each of ['htable.store', 'htable.reload']) {
    await assert.rejects(run(each, 'e'), { code: 500, message: 'No database htable' });
    await assert.rejects(run(each, 'nix'), { code: 500, message: 'No such htable' });
  }
  assert.deepEqual(await run('htable.listTables'), [
    { name: 'e', dbtable: '', dbmode: 0, expire: 0, updateexpire: 0, size: 32, dmqreplicate: 0 },
    { name: 'a', dbtable: 'ta', dbmode: 1, expire: 60, updateexpire: 1, size: 16, dmqreplicate: 0 },
  ]);
});
