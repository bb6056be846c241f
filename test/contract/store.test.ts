import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { DestinationRow } from '../../src/engine/destination.js';
import { deleteRows, initDatabase, insertRows, showRows } from '../../src/store/provision.js';
import type { StateWrite } from '../../src/store/store.js';
import { COLUMNS } from '../support/columns.js';
import { FIXTURES, type StoreFixture } from '../support/store-fixtures.js';

const uri = (n: number) => `sip:192.0.2.${n}:5060`;
const write = (row: DestinationRow, state: StateWrite['state']): StateWrite => ({
  rowId: row.rowId,
  setId: row.setId,
  uri: row.uri,
  state,
});
const ids = (rows: readonly DestinationRow[]) => rows.map((row) => `${row.setId} ${row.uri} ${row.state}`);

for (const [kind, make] of FIXTURES) {
  const behaviour = (name: string, body: (fixture: StoreFixture, t: TestContext) => Promise<void>) =>
    test(name, async (t) => {
      const fixture = await make(t);
      if (fixture !== undefined) await body(fixture, t);
    });

  describe(`destination store: ${kind}`, () => {
    behaviour('a table made by init and filled by insert loads as it was written', async ({ spec, store }) => {
      assert.deepEqual(await initDatabase(spec), { tableCreated: true, versionAdded: true, version: 9 });
      const full = {
        setId: 4,
        uri: 'sip:user@gw.example:5070;transport=tcp',
        socket: 'udp:127.0.0.1:5060',
        state: 'probing' as const,
        probeMode: 1,
        weight: 50,
        priority: -3,
        attrs: 'carrier=a:b\\c',
        description: 'first',
      };
      assert.equal(await insertRows(spec, [full, { setId: 1, uri: uri(2) }]), 2);
      const { rows, discarded } = await store().load();
      assert.deepEqual(discarded, []);
      assert.deepEqual(
        rows.map(({ rowId, ...row }) => ({ ...row, hasId: rowId !== undefined })),
        [
          { ...full, hasId: true },
          {
            setId: 1,
            uri: uri(2),
            socket: '',
            state: 'active',
            probeMode: 0,
            weight: 1,
            priority: 0,
            attrs: '',
            description: '',
            hasId: true,
          },
        ],
      );
      assert.deepEqual(await initDatabase(spec), { tableCreated: false, versionAdded: false, version: 9 });
      assert.equal((await showRows(spec)).rows.length, 2, 'init leaves what is there');
      await insertRows(spec, [{ setId: 9, uri: uri(9) }], { replace: true });
      assert.deepEqual(ids((await showRows(spec)).rows), [`9 ${uri(9)} active`]);
    });

    behaviour('rows are deleted by set and URI, whatever their socket', async ({ spec }) => {
      await initDatabase(spec);
      const gateway = { setId: 4, uri: 'sip:gw.example:5070;transport=tcp', attrs: 'a:b' };
      await insertRows(spec, [
        gateway,
        { ...gateway, socket: 'udp:127.0.0.1:5060' },
        { ...gateway, setId: 5 },
        { setId: 4, uri: uri(2) },
      ]);
      assert.equal(await deleteRows(spec, [{ setId: 4, uri: uri(3) }]), 0);
      assert.equal(await deleteRows(spec, [gateway]), 2);
      const { rows } = await showRows(spec);
      assert.deepEqual(
        rows.map((row) => `${row.setId} ${row.uri}`),
        [`5 ${gateway.uri}`, `4 ${uri(2)}`],
      );
    });

    behaviour('the rows come in the order of the table, however many', async ({ spec, store }) => {
      await initDatabase(spec);
      const count = 6500;
      const rows = Array.from({ length: count }, (_, i) => ({ setId: i % 7, uri: `sip:gw${i}.example` }));
      await insertRows(spec, rows);
      const loaded = await store().load();
      assert.deepEqual(
        loaded.rows.map((row) => row.uri),
        rows.map((row) => row.uri),
      );
    });

    behaviour('a table without version row is refused, and the message says what to do', async (fixture) => {
      await fixture.writeTable(['id', 'setid', 'destination'], [[1, 1, uri(1)]]);
      await fixture.writeVersion(undefined);
      await assert.rejects(fixture.store().load(), { code: 'STORE_VERSION', message: /switchyard db init/ });
      await initDatabase(fixture.spec);
      assert.equal((await fixture.store().load()).rows.length, 1);
    });

    behaviour('a version that is newer than ours is refused by name', async (fixture) => {
      await fixture.writeTable(['id', 'setid', 'destination'], [[1, 1, uri(1)]]);
      await fixture.writeVersion(12);
      await assert.rejects(fixture.store().load(), {
        code: 'STORE_VERSION',
        message: new RegExp(`${fixture.spec.table}.*version 12 is not supported.*1 to 9`),
      });
    });

    behaviour('an older table with fewer columns gets the defaults', async (fixture) => {
      await fixture.writeTable(
        ['id', 'setid', 'destination', 'weight'],
        [
          [1, 1, uri(1), '5'],
          [2, 1, uri(2), null],
        ],
      );
      await fixture.writeVersion(4);
      const { rows } = await fixture.store().load();
      assert.deepEqual(
        rows.map((row) => [row.uri, row.weight, row.priority, row.state, row.socket]),
        [
          [uri(1), 5, 0, 'active', ''],
          [uri(2), 1, 0, 'active', ''],
        ],
      );
    });

    behaviour('a table without a column that is needed is refused by name', async (fixture) => {
      await fixture.writeTable(['id', 'setid', 'uri'], [[1, 1, uri(1)]]);
      await fixture.writeVersion(9);
      await assert.rejects(fixture.store().load(), { code: 'STORE_SCHEMA', message: /no column destination/ });
      const columns = { ...COLUMNS, destination: 'uri', weight: 'dstweight' };
      await assert.rejects(
        fixture.store({ columns }).load(),
        { code: 'STORE_SCHEMA', message: /no column dstweight/ },
        'a column somebody named must be there',
      );
      const loaded = await fixture.store({ columns: { ...COLUMNS, destination: 'uri' } }).load();
      assert.deepEqual(ids(loaded.rows), [`1 ${uri(1)} active`]);
    });

    behaviour('a table that does not exist is an error, not an empty set', async (fixture) => {
      await assert.rejects(fixture.store().load(), {
        name: 'SwitchyardError',
        code: /^STORE_(UNREACHABLE|VERSION|SCHEMA)$/,
      });
      await fixture.writeVersion(9);
      await assert.rejects(fixture.store().load(), { name: 'SwitchyardError', code: /^STORE_(UNREACHABLE|SCHEMA)$/ });
    });

    behaviour('bad rows are named with their reason, the others load', async (fixture) => {
      await fixture.writeTable(
        ['id', 'setid', 'destination', 'socket', 'state', 'weight', 'priority', 'attrs'],
        [
          [1, 1, uri(1), null, 0, '1', 0, ''],
          [2, null, uri(2), null, 0, '1', 0, ''],
          [3, -1, uri(3), null, 0, '1', 0, ''],
          [4, 1, 'not a uri', null, 0, '1', 0, ''],
          [5, 1, 'tel:+4930', null, 0, '1', 0, ''],
          [6, 1, uri(6), 'carrier:pigeon:1:2', 0, '1', 0, ''],
          [7, 1, uri(7), null, 3, '1', 0, ''],
          [8, 1, uri(8), null, 0, 'heavy', 0, ''],
          [9, 1, uri(9), null, 0, '-1', 0, ''],
          [10, 1, 'sip:a@h?x=1\r\nVia: y', null, 0, '1', 0, ''],
          [11, 1, uri(11), '', null, '', null, null],
        ],
      );
      await fixture.writeVersion(9);
      const { rows, discarded } = await fixture.store().load();
      assert.deepEqual(ids(rows), [`1 ${uri(1)} active`, `1 ${uri(11)} active`]);
      const table = fixture.spec.table;
      const expected: [number, RegExp][] = [
        [2, /set id is null/],
        [3, /set id -1 is not between/],
        [4, /"not a uri" is not a SIP URI/],
        [5, /only sip and sips/],
        [6, /socket description/],
        [7, /state 3 is not between 0 and 2/],
        [8, /weight "heavy" is not an integer/],
        [9, /weight -1 is not between/],
        [10, /is not a SIP URI/],
      ];
      assert.equal(discarded.length, expected.length);
      for (const [i, [id, reason]] of expected.entries()) {
        assert.match(discarded[i]?.row ?? '', new RegExp(`^table ${table}, id "?${id}"?$`));
        assert.match(discarded[i]?.reason ?? '', reason);
        assert.doesNotMatch(discarded[i]?.reason ?? '', /\n/);
      }
    });

    behaviour('text beyond ASCII becomes the bytes of its UTF-8 form', async (fixture) => {
      await initDatabase(fixture.spec);
      const attrs = Buffer.from('Zürich ☎', 'utf8').toString('latin1');
      await insertRows(fixture.spec, [{ setId: 1, uri: uri(1), attrs }]);
      const { rows } = await fixture.store().load();
      assert.equal(Buffer.from(rows[0]?.attrs ?? '', 'latin1').toString('utf8'), 'Zürich ☎');
    });

    behaviour('states are written to the rows they belong to and read again', async ({ spec, store }) => {
      await initDatabase(spec);
      await insertRows(
        spec,
        Array.from({ length: 1200 }, (_, i) => ({ setId: 1, uri: `sip:gw${i}.example` })),
      );
      const opened = store();
      assert.equal(opened.writable, true);
      const { rows } = await opened.load();
      const changed = rows.map((row, i) => write(row, i % 3 === 0 ? 'inactive' : i % 3 === 1 ? 'probing' : 'active'));
      await opened.saveStates(changed);
      await opened.saveStates([]);
      const again = await opened.load();
      assert.deepEqual(
        again.rows.map((row) => row.state),
        changed.map((each) => each.state),
      );
    });

    behaviour('a row whose id now stands for another destination keeps its state', async (fixture) => {
      const columns = ['id', 'setid', 'destination', 'state'];
      await fixture.writeTable(columns, [
        [1, 1, uri(1), 0],
        [2, 1, uri(2), 0],
      ]);
      await fixture.writeVersion(9);
      const store = fixture.store();
      const id = (n: number) => (kind === 'text' ? String(n) : n);
      await store.saveStates([
        { rowId: id(1), setId: 1, uri: uri(77), state: 'inactive' },
        { rowId: id(2), setId: 1, uri: uri(2), state: 'inactive' },
        { rowId: id(3), setId: 1, uri: uri(3), state: 'inactive' },
      ]);
      assert.deepEqual(ids((await store.load()).rows), [`1 ${uri(1)} active`, `1 ${uri(2)} inactive`]);
    });

    behaviour('without an id column rows are found by set and destination', async (fixture) => {
      await fixture.writeTable(
        ['setid', 'destination', 'state'],
        [
          [1, uri(1), 0],
          [2, uri(1), 0],
          [2, uri(2), 1],
        ],
      );
      await fixture.writeVersion(9);
      const store = fixture.store();
      const { rows } = await store.load();
      assert.equal(rows[0]?.rowId, undefined);
      await store.saveStates([
        { rowId: undefined, setId: 2, uri: uri(1), state: 'probing' },
        { rowId: undefined, setId: 2, uri: uri(2), state: 'active' },
      ]);
      const after = new Set(ids((await store.load()).rows));
      assert.deepEqual(after, new Set([`1 ${uri(1)} active`, `2 ${uri(1)} probing`, `2 ${uri(2)} active`]));
    });

    behaviour('with persistent_state 0 the state column is neither read nor written', async (fixture) => {
      await fixture.writeTable(
        ['id', 'setid', 'destination', 'state'],
        [
          [1, 1, uri(1), 2],
          [2, 1, uri(2), 99],
        ],
      );
      await fixture.writeVersion(9);
      const store = fixture.store({ persistentState: false });
      const { rows } = await store.load();
      assert.deepEqual(ids(rows), [`1 ${uri(1)} active`, `1 ${uri(2)} active`]);
      assert.equal(store.writable, false);
      await assert.rejects(store.saveStates(rows.map((row) => write(row, 'inactive'))), { code: 'STORE_READONLY' });
    });

    behaviour('a Kamailio table: flags in place of states, nothing is written', async (fixture) => {
      const spec = { ...fixture.spec, flavour: 'kamailio' as const };
      assert.deepEqual(await initDatabase(spec), { tableCreated: true, versionAdded: true, version: 4 });
      await insertRows(spec, [
        { setId: 1, uri: uri(1), flags: 8, attrs: 'duid=a' },
        { setId: 1, uri: uri(2), flags: 1 },
        { setId: 1, uri: uri(3), flags: 4, priority: 5 },
      ]);
      const store = fixture.store({ flavour: 'kamailio' });
      const { rows } = await store.load();
      assert.deepEqual(
        rows.map((row) => [row.uri, row.flags, row.state, row.priority, row.attrs]),
        [
          [uri(1), 8, 'active', 0, 'duid=a'],
          [uri(2), 1, 'inactive', 0, ''],
          [uri(3), 4, 'inactive', 5, ''],
        ],
      );
      assert.equal(store.writable, false);
    });

    behaviour('columns that are attributes stand after those of the row (ds_db_extra_attrs)', async (fixture) => {
      await fixture.writeTable(
        ['id', 'setid', 'destination', 'flags', 'priority', 'attrs', 'description', 'sockaddr', 'Trunk'],
        [
          [1, 1, uri(1), 0, 0, 'duid=a', '', 'udp:127.0.0.1:5099', 't one'],
          [2, 1, uri(2), 0, 0, '', '', null, 'a;"b"'],
          [3, 1, uri(3), 0, 0, '', '', null, null],
          [4, 1, uri(4), 0, 0, '', '', null, `"and'`],
        ],
      );
      await fixture.writeVersion(4);
      const extraAttrs = [
        { name: 'socket', column: 'sockaddr' },
        { name: 'trunk', column: 'trunk' },
      ];
      const store = fixture.store({ flavour: 'kamailio', extraAttrs });
      const { rows, discarded } = await store.load();
      assert.deepEqual(
        rows.map((row) => [row.uri, row.attrs, row.socket]),
        [
          [uri(1), 'duid=a;socket=udp:127.0.0.1:5099;trunk="t one"', 'udp:127.0.0.1:5099'],
          [uri(2), `trunk='a;"b"'`, ''],
          [uri(3), '', ''],
        ],
      );
      assert.match(discarded[0]?.reason ?? '', /trunk has quotes of both kinds/);
      const missing = fixture.store({ flavour: 'kamailio', extraAttrs: [{ name: 'x', column: 'nosuch' }] });
      await assert.rejects(missing.load(), { code: 'STORE_SCHEMA', message: /no column nosuch \(ds_db_extra_attrs\)/ });
    });

    behaviour('rows lose the flag that asks for probes where none are sent', async (fixture) => {
      const spec = { ...fixture.spec, flavour: 'kamailio' as const };
      await initDatabase(spec);
      await insertRows(
        spec,
        [8, 9, 40, 0].map((flags, i) => ({ setId: 1, uri: uri(i), flags })),
      );
      const { rows } = await fixture.store({ flavour: 'kamailio', withoutProbing: true }).load();
      assert.deepEqual(
        rows.map(({ flags }) => flags),
        [0, 1, 32, 0],
      );
    });

    if (kind === 'text') return;

    behaviour('rows of a view whose ids repeat or are missing all load once', async (fixture) => {
      await fixture.writeTable(
        ['id', 'setid', 'destination'],
        Array.from({ length: 4500 }, (_, i) => [i < 4200 ? 1 : i, i, uri(1)]),
      );
      await fixture.writeVersion(9);
      const sets = (rows: readonly DestinationRow[]) => new Set(rows.map((row) => row.setId)).size;
      const repeated = await fixture.store().load();
      assert.deepEqual([repeated.rows.length, sets(repeated.rows)], [4500, 4500]);
      await fixture.sql?.((knex) => knex(fixture.spec.table).where('setid', '<', 10).update({ id: null }));
      const missing = await fixture.store().load();
      assert.deepEqual([missing.rows.length, sets(missing.rows)], [4500, 4500]);
    });

    behaviour('a view that cannot be updated is read, and says so when states are written', async (fixture) => {
      const { table } = fixture.spec;
      await fixture.writeTable(['id', 'setid', 'destination', 'state'], [[1, 1, uri(1), 0]]);
      await fixture.sql?.((knex) =>
        knex.raw('create view ?? as select id, setid, destination, max(state) as state from ?? group by 1, 2, 3', [
          `${table}_v`,
          table,
        ]),
      );
      await fixture.writeVersion(9);
      await fixture.sql?.(async (knex) => {
        await knex('version').where('table_name', `${table}_v`).delete();
        await knex('version').insert({ table_name: `${table}_v`, table_version: 9 });
      });
      const store = fixture.store({ tableName: `${table}_v` });
      const { rows } = await store.load();
      assert.equal(rows.length, 1);
      await assert.rejects(store.saveStates(rows.map((row) => write(row, 'inactive'))), { code: 'STORE_READONLY' });
    });

    behaviour('stores of one database share its pool, which is closed with the last', async (fixture) => {
      await initDatabase(fixture.spec);
      const [first, second] = [fixture.store(), fixture.store({ name: 'other' })];
      assert.equal(fixture.pools.size, 1);
      await first.close();
      await first.close();
      assert.equal((await second.load()).rows.length, 0, 'the other share still works');
    });
  });
}
