import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { parseDatabaseUrl } from '../../src/config/db-url.js';
import { nullLogger } from '../../src/core/logger.js';
import { initDatabase, sqlUrl, type TableSpec, withDatabase } from '../../src/store/provision.js';
import { readTable, type TableRow, writeTable } from '../../src/store/table-content.js';
import { COLUMNS } from '../support/columns.js';
import { runCli } from '../support/command-line.js';
import { requireMysql, requirePostgres } from '../support/servers.js';

/** Rows with everything that a column can hold: even what no load would accept is preserved. */
const ROWS: readonly TableRow[] = [
  row(3, { destination: 'sip:10.0.0.1:5060;transport=tcp', weight: '50', priority: -2, attrs: 'a=1;b="x, y"' }),
  row(4, { destination: 'sips:[2001:db8::1]', socket: 'udp:10.0.0.9:5060', state: 2, probe_mode: 1, attrs: '' }),
  row(7, { destination: 'sip:bad uri', description: 'Zürich\t東京 \\ "q"' }),
  row(9, { setid: 2, destination: 'sip:10.0.0.1', weight: 'fs://:secret@10.0.0.1:8022', state: 1 }),
];

function row(id: number, values: Partial<TableRow>): TableRow {
  const rest = {
    destination: '',
    socket: null,
    state: 0,
    probe_mode: 0,
    weight: '1',
    priority: 0,
    attrs: null,
    description: null,
  };
  return { id, setid: 1, ...rest, ...values } as TableRow;
}

type Url = (t: TestContext, folder: string) => Promise<string | undefined>;
const KINDS: readonly (readonly [string, Url])[] = [
  ['sqlite', async (_, folder) => `sqlite://${folder}/rows.db`],
  ['postgres', (t) => requirePostgres(t)],
  ['mysql', (t) => requireMysql(t)],
  ['text', async (_, folder) => `text://${folder}/text`],
];
let tables = 0;

describe('rows of a table, as they are stored', () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-content-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function emptyTable(t: TestContext, url: Url, columns = COLUMNS): Promise<TableSpec | undefined> {
    const dbUrl = await url(t, folder);
    if (dbUrl === undefined) return undefined;
    const table = `content_${process.pid}_${tables++}`;
    const spec = { url: parseDatabaseUrl(dbUrl, '/'), table, columns, flavour: 'opensips' } as const;
    await initDatabase(spec);
    return spec;
  }

  for (const [name, url] of KINDS) {
    test(`${name}: all columns come back as they were put in`, async (t) => {
      const spec = await emptyTable(t, url);
      if (spec === undefined) return;
      const steps: number[] = [];
      await writeTable(spec, ROWS, { replace: false, written: (rows) => steps.push(rows) });
      const { columns, rows } = await readTable(spec);
      assert.deepEqual(columns, Object.keys(ROWS[0] as TableRow));
      // In db_text an empty text is null.
      assert.deepEqual(rows, name === 'text' ? ROWS.map((each) => ({ ...each, attrs: each['attrs'] || null })) : ROWS);
      assert.equal(steps.at(-1), ROWS.length);
    });

    test(`${name}: a row that is added after those with ids gets an id of its own`, async (t) => {
      const spec = await emptyTable(t, url);
      if (spec === undefined) return;
      await writeTable(spec, ROWS, { replace: true });
      await writeTable(spec, [{ setid: 5, destination: 'sip:later' }], { replace: false });
      const { rows } = await readTable(spec);
      assert.equal(new Set(rows.map(({ id }) => id)).size, ROWS.length + 1);
      const added = rows.find(({ setid }) => setid === 5);
      assert.deepEqual([added?.['weight'], added?.['state'], added?.['priority']], ['1', 0, 0]);
    });

    test(`${name}: columns with configured names have their documented names in an exported file`, async (t) => {
      const spec = await emptyTable(t, url, { ...COLUMNS, setid: 'grp', weight: 'share' });
      if (spec === undefined) return;
      await writeTable(spec, ROWS.slice(0, 1), { replace: false });
      assert.deepEqual((await readTable(spec)).rows[0]?.['weight'], '50');
    });

    test(`${name}: a column the table does not have is named`, async (t) => {
      const spec = await emptyTable(t, url);
      if (spec === undefined) return;
      const report = await writeTable(spec, [{ setid: 1, destination: 'sip:h', site: 'A', note: null }], {
        replace: false,
      });
      assert.deepEqual(report, { rows: 1, leftOut: ['site'] });
    });
  }
});

describe('db export and db import', () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-backup-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const partitions: { name: string; db_url: string; table_name: string }[] = [];
  const config = join(folder, 'switchyard.json');
  const run = (...words: string[]) => runCli(['db', ...words, '--config', config]);

  before(async () => {
    for (const [name, url] of KINDS) {
      const dbUrl = await url({ skip: () => {}, name } as unknown as TestContext, folder);
      if (dbUrl !== undefined) partitions.push({ name, db_url: dbUrl, table_name: `backup_${process.pid}_${name}` });
    }
    writeFileSync(config, JSON.stringify({ modparam: { fetch_freeswitch_stats: 1 }, partitions }));
    assert.equal((await run('init')).status, 0);
  });

  test('rows go from one database kind to the next and come back the same, in both formats', async () => {
    for (const format of ['json', 'csv']) {
      const file = join(folder, `start.${format}`);
      const names = partitions.map(({ name }) => name).filter((name) => name !== 'text');
      writeFileSync(file, JSON.stringify(ROWS));
      let ran = await run('import', '--replace', '--partition', names[0] as string, file);
      assert.match(ran.out, /4 rows written, the old ones removed/);
      assert.match(
        ran.err,
        /row 3: destination "sip:bad uri" is not a SIP URI; the row is added, but loads will discard it/,
      );
      for (const [i, name] of names.entries()) {
        const kept = join(folder, `${name}.${format}`);
        assert.equal((await run('export', '--partition', name, kept)).status, 0);
        assert.equal(statSync(kept).mode & 0o777, 0o600, 'rows can contain passwords');
        const next = names[(i + 1) % names.length] as string;
        ran = await run('import', '--replace', '--partition', next, kept);
        assert.deepEqual([ran.status, ran.out], [0, `partition ${next}: 4 rows written, the old ones removed\n`]);
        const dry = await run('import', '--replace', '--dry-run', '--partition', next, kept);
        assert.deepEqual([dry.status, dry.out], [0, '']);
        assert.match(dry.err, /dry run: 0 added, 0 removed, 0 changed, 4 unchanged/);
      }
      const back = await run('export', '--partition', names[0] as string);
      assert.deepEqual(JSON.parse(back.out), ROWS, 'ids and nulls too');
    }
  });

  test('columns that the operator has added are exported, in both formats', async () => {
    // The partition of the text file is in this round: its format has no empty text, and these rows contain none.
    const own: readonly TableRow[] = ROWS.map((each, i) => ({
      ...each,
      attrs: each['attrs'] || null,
      site: i === 0 ? null : `Köln, "Süd" ${i}`,
      tier: i === 1 ? null : i - 2,
    }));
    for (const { db_url, table_name, name } of partitions) {
      if (name === 'text') {
        const path = join(folder, 'text', table_name);
        const [header = '', ...lines] = readFileSync(path, 'utf8').split('\n');
        writeFileSync(path, [`${header} site(string,null) tier(int,null)`, ...lines].join('\n'));
        continue;
      }
      const spec = {
        url: parseDatabaseUrl(db_url, '/'),
        table: table_name,
        columns: COLUMNS,
        flavour: 'opensips',
      } as const;
      await withDatabase(sqlUrl(spec), nullLogger, (database) =>
        database.run((knex) =>
          knex.schema.alterTable(table_name, (table) => {
            table.string('site', 64).nullable();
            table.integer('tier').nullable();
          }),
        ),
      );
    }
    const names = partitions.map(({ name }) => name);
    for (const format of ['json', 'csv']) {
      const start = join(folder, 'own.json');
      writeFileSync(start, JSON.stringify(own));
      await run('import', '--replace', '--partition', names[0] as string, start);
      for (const [i, name] of names.entries()) {
        const kept = join(folder, `own-${name}.${format}`);
        await run('export', '--partition', name, kept);
        const next = names[(i + 1) % names.length] as string;
        const ran = await run('import', '--replace', '--partition', next, kept);
        assert.deepEqual(
          [ran.status, ran.out],
          [0, `partition ${next}: 4 rows written, the old ones removed\n`],
          ran.err,
        );
        assert.doesNotMatch(ran.err, /no column/);
        const read = await run('export', '--partition', next);
        assert.deepEqual(JSON.parse(read.out), own, `${name} to ${next} as ${format}`);
      }
    }
  });

  test('a dry run names what would differ, changes nothing and shows no password', async () => {
    const name = partitions[0]?.name as string;
    await run('import', '--replace', '--partition', name, join(folder, 'start.json'));
    const before = (await run('export', '--partition', name)).out;
    const file = join(folder, 'other.json');
    const [first, second, , fourth] = ROWS as [TableRow, TableRow, TableRow, TableRow];
    const rows = [{ ...first, weight: '60' }, second, { ...fourth, state: 0 }, { setid: 8, destination: 'sip:new' }];
    writeFileSync(file, JSON.stringify(rows));
    const { status, out, err } = await run('import', '--replace', '--dry-run', '--partition', name, file);
    assert.equal(status, 0);
    assert.match(out, /^- set 1 "sip:bad uri" /m);
    assert.match(out, /^\+ set 8 sip:new {2}/m);
    assert.match(out, /^~ set 1 sip:10\.0\.0\.1:5060;transport=tcp: weight 50 -> 60$/m);
    assert.match(out, /^~ set 2 sip:10\.0\.0\.1: state 1 -> 0$/m);
    assert.match(err, /dry run: 1 added, 1 removed, 2 changed, 1 unchanged/);
    const json = await run('import', '--replace', '--dry-run', '--json', '--partition', name, file);
    const difference = JSON.parse(json.out) as { unchanged: number; changed: { columns: object }[] };
    assert.deepEqual([difference.unchanged, difference.changed[0]?.columns], [1, { weight: ['50', '60'] }]);
    for (const text of [out, err, json.out]) assert.doesNotMatch(text, /secret/);
    assert.equal((await run('export', '--partition', name)).out, before);
  });

  test('db show has the names of the columns, and the passwords of addresses left out', async () => {
    const name = partitions[0]?.name as string;
    await run('import', '--replace', '--partition', name, join(folder, 'start.json'));
    const { status, out, err } = await run('show', '--json', '--partition', name);
    assert.equal(status, 0);
    const shown = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as TableRow);
    assert.deepEqual(shown[1], { partition: name, ...ROWS[1], description: '' });
    assert.equal(shown[2]?.['weight'], 'fs://10.0.0.1:8022');
    assert.match(err, /id 7: destination "sip:bad uri" is not a SIP URI/);
    const file = join(folder, 'shown.json');
    writeFileSync(
      file,
      out
        .split('\n')
        .filter((line) => !line.includes('fs://'))
        .join('\n'),
    );
    const again = await run('import', '--replace', '--dry-run', '--partition', name, file);
    assert.match(again.err, /0 added, 2 removed, 0 changed, 2 unchanged/, 'what is shown can be imported');
  });

  test('a file that cannot be imported changes nothing', async () => {
    const name = partitions[0]?.name as string;
    const before = (await run('export', '--partition', name)).out;
    const file = join(folder, 'bad.csv');
    writeFileSync(file, 'setid,destination\n1,sip:ok\nx,sip:h\n');
    const { status, err } = await run('import', '--replace', '--partition', name, file);
    assert.equal(status, 2);
    assert.match(err, /bad\.csv row 2: setid is not a number/);
    assert.equal((await run('export', '--partition', name)).out, before);
    assert.ok(readFileSync(file, 'utf8').length > 0);
  });
});
