import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Knex } from 'knex';
import type { StoreLoad } from '../../src/store/store.js';
import { FIXTURES, type StoreFixture } from '../support/store-fixtures.js';

/** A table made by somebody else: every column is text and may be NULL. */
async function textTable(fixture: StoreFixture, rows: readonly object[], id: (build: Knex.CreateTableBuilder) => void) {
  const { table } = fixture.spec;
  // This creates the SQLite file.
  await fixture.writeVersion(9);
  await fixture.sql?.(async (knex) => {
    await knex.schema.createTable(table, (build) => {
      id(build);
      for (const column of ['setid', 'state', 'probe_mode', 'weight', 'priority']) build.string(column, 300).nullable();
      for (const column of ['destination', 'socket', 'attrs', 'description'])
        build.text(column, 'mediumtext').nullable();
    });
    await knex.batchInsert(table, [...rows] as never, 100);
  });
}

const GOOD = { setid: '1', destination: 'sip:10.0.0.1:5060', state: '0', weight: '1', priority: '0' };

/** Each row with the reason of its rejection, or with the result. */
const HOSTILE: readonly (readonly [values: Record<string, string | null>, expected: RegExp | 'taken'])[] = [
  [{ setid: null }, /set id is null/],
  [{ setid: '' }, /set id is null/],
  [{ setid: '1; DROP TABLE x' }, /set id "1; DROP TABLE x" is not an integer/],
  [{ setid: '0x10' }, /not an integer/],
  [{ setid: '1e3' }, /not an integer/],
  [{ setid: '９' }, /not an integer/],
  [{ setid: '-1' }, /not between/],
  [{ setid: '99999999999999999999' }, /not an integer/],
  [{ destination: null }, /destination is null/],
  [{ destination: '' }, /destination is empty/],
  [{ destination: '__proto__' }, /not a SIP URI/],
  [{ destination: 'sip:__proto__' }, /./],
  [{ destination: 'sip:a@b\r\nVia: SIP/2.0/UDP evil' }, /not a SIP URI/],
  [{ destination: 'sip:10.0.0.1\u2028' }, /./],
  [{ destination: `sip:${'a'.repeat(2_000_000)}` }, /destination is (?:longer|larger) than/],
  [{ destination: 'sip:10.0.0.1:99999' }, /not a SIP URI/],
  [{ destination: 'sip:[::1' }, /not a SIP URI/],
  [{ destination: 'javascript:alert(1)' }, /not a SIP URI/],
  [{ attrs: 'x'.repeat(3_000_000) }, /attrs is (?:longer|larger) than/],
  [{ description: '\x01\x02\x1b[2J' }, 'taken'],
  [{ attrs: '__proto__=1;constructor=2' }, 'taken'],
  [{ attrs: '\u0007\ud83d\ude00 \u202e' }, 'taken'],
  [{ state: '7' }, /state 7 is not between/],
  [{ state: 'NaN' }, /not an integer/],
  [{ weight: 'Infinity' }, /not an integer/],
  [{ weight: 'fs://u:secret@h' }, /^(?!.*secret)/],
  [{ priority: '2147483648' }, /not between/],
  [{ probe_mode: '-0' }, 'taken'],
  [{ socket: 'udp:nowhere:port' }, /./],
  [{ socket: `udp:${'1'.repeat(100_000)}` }, /./],
];

function check({ rows, discarded }: StoreLoad): void {
  const taken = HOSTILE.filter(([, expected]) => expected === 'taken').length;
  assert.ok(rows.length >= taken + 2, 'the good ones before and after too');
  assert.equal(rows.length + discarded.length, HOSTILE.length + 2);
  for (const { reason } of discarded) {
    assert.ok(reason.length < 600, 'reasons are short');
    assert.doesNotMatch(reason, /[\x00-\x1f]/);
  }
}

for (const [name, make] of FIXTURES) {
  if (name === 'text') continue;
  describe(`unusual rows: ${name}`, () => {
    test('each unusual row is left out with its reason, and the others are loaded', async (t) => {
      const fixture = await make(t);
      if (fixture === undefined) return;
      const rows = [{}, ...HOSTILE.map(([values]) => values), {}].map((values, i) => ({
        id: i + 1,
        ...GOOD,
        ...values,
      }));
      await textTable(fixture, rows, (build) => build.integer('id').nullable());
      const load = await fixture.store().load();
      check(load);
      for (const [i, [values, expected]] of HOSTILE.entries()) {
        const what = JSON.stringify(values).slice(0, 80);
        const reason = load.discarded.find(({ at }) => Number(at?.id) === i + 2)?.reason;
        if (expected === 'taken') assert.equal(reason, undefined, what);
        else if (reason !== undefined) assert.match(reason, expected, what);
        else assert.equal(expected.source, '.', `${what} was taken`);
      }
    });

    test('a value of a megabyte is left in the database, and its row is left out with file or table, row and column', async (t) => {
      const fixture = await make(t);
      if (fixture === undefined) return;
      const large = randomBytes(500_000).toString('hex');
      const rows = ['destination', 'socket', 'attrs', 'description', 'weight'].map((column, i) => {
        const value = column === 'weight' && name !== 'sqlite' ? '7' : large;
        return { id: i + 1, ...GOOD, [column]: value };
      });
      await textTable(fixture, [...rows, { id: 9, ...GOOD }], (build) => build.integer('id').notNullable().primary());
      const { rows: read, discarded } = await fixture.store().load();
      const said = discarded.map(({ row, reason }) => `${row}: ${reason}`);
      const expected = ['destination', 'socket', 'attrs', 'description', ...(name === 'sqlite' ? ['weight'] : [])];
      assert.deepEqual(
        said,
        expected.map((column, i) => `table ${fixture.spec.table}, id ${i + 1}: ${column} is larger than 65536 bytes`),
      );
      assert.equal(read.at(-1)?.uri, GOOD.destination);
      assert.equal(read.length, rows.length + 1 - expected.length);
    });

    test('an id of a megabyte, and a value that is one when it is unpacked, are left in the database', async (t) => {
      const fixture = await make(t);
      if (fixture === undefined) return;
      const rows = [
        { id: randomBytes(500_000).toString('hex'), ...GOOD },
        { id: '2', ...GOOD, description: 'a'.repeat(1_000_000) },
        { id: '3', ...GOOD, description: '\u00e4'.repeat(33_000) },
        { id: '4', ...GOOD },
      ];
      await textTable(fixture, rows, (build) => build.text('id', 'longtext').nullable());
      const { rows: read, discarded } = await fixture.store().load();
      assert.equal(read.length, 1);
      assert.deepEqual(discarded.map(({ reason }) => reason).sort(), [
        'description is larger than 65536 bytes',
        'description is larger than 65536 bytes',
        'id is larger than 65536 bytes',
      ]);
    });

    test('a search for ids ends where the database and the program compare ids differently, and no row comes twice', async (t) => {
      const fixture = await make(t);
      if (fixture === undefined) return;
      const count = 11_000;
      const rows = Array.from({ length: count }, (_, i) => ({ id: i % 2 === 0 ? 'a' : 'A', ...GOOD }));
      await textTable(fixture, rows, (build) => build.string('id', 20).nullable());
      const { rows: read } = await fixture.store().load();
      assert.equal(read.length, count);
    });
  });
}

test('PostgreSQL: columns of JSON, arrays, bytes, times and floating point', async (t) => {
  const fixture = await FIXTURES.find(([name]) => name === 'postgres')?.[1](t);
  if (fixture === undefined) return;
  const { table } = fixture.spec;
  await fixture.sql?.(async (knex) => {
    await knex.raw(
      `create table ?? (id float8, setid int, destination json, socket text[], state int, probe_mode int,
      weight float8, priority numeric, attrs jsonb, description bytea)`,
      [table],
    );
    await knex.raw(
      `insert into ?? values
      ('NaN', 1, '{"toString": 1, "valueOf": 2}', null, 0, 0, 1, 0, null, null),
      ('NaN', 1, '"sip:10.0.0.9"', null, 0, 0, 1, 0, '{"toString":"x","__proto__":{"a":1}}', '\\xff00fe'),
      (3, 1, '"sip:10.0.0.1"', '{}', 0, 0, 'NaN', 0, null, null),
      (4, 1, '"sip:10.0.0.2"', null, 0, 0, 1, 'NaN', null, null),
      (5, 1, '[[]]', null, 0, 0, 1, 0, null, null)`,
      [table],
    );
    await knex.raw(
      `insert into ?? select 'NaN', 1, '"sip:10.0.0.3"', null, 0, 0, 1, 0, null, null from generate_series(1, 6000)`,
      [table],
    );
  });
  await fixture.writeVersion(9);
  const { rows, discarded } = await fixture.store().load();
  assert.equal(rows.length + discarded.length, 6005);
  assert.ok(rows.filter(({ uri }) => uri === 'sip:10.0.0.3').length === 6000);
  assert.equal(rows.find(({ uri }) => uri === 'sip:10.0.0.9')?.description, '\xff\x00\xfe');
});

test('MariaDB: bytes that are not UTF-8 are written to the wire unchanged', async (t) => {
  const fixture = await FIXTURES.find(([name]) => name === 'mysql')?.[1](t);
  if (fixture === undefined) return;
  const { table } = fixture.spec;
  await fixture.sql?.(async (knex) => {
    await knex.raw(
      `create table ?? (id double, setid bigint unsigned, destination varbinary(200), socket blob, state bit(8),
      probe_mode year, weight decimal(30,10), priority set('0','1'), attrs json, description blob)`,
      [table],
    );
    await knex.raw(
      `insert into ?? (id, setid, destination, state, weight, priority, attrs, description) values
      (1, 1, 'sip:10.0.0.1', b'0', 1, '0', '{"toString":1}', unhex('ff00fe')),
      (2, 18446744073709551615, 'sip:10.0.0.1', b'0', 1, '0', null, null),
      (3, 1, unhex('7369703aff40fe'), b'0', 1, '0', null, null),
      (4, 1, 'sip:10.0.0.4', b'10', 1.5, '', null, null)`,
      [table],
    );
  });
  await fixture.writeVersion(9);
  const { rows, discarded } = await fixture.store().load();
  assert.equal(rows.length + discarded.length, 4);
  assert.match(discarded.map(({ reason }) => reason).join('\n'), /^set id .*1844674407370955/m);
});

test('PostgreSQL: a search ends where a collation treats ids of digits as equal, and no row comes twice', async (t) => {
  const fixture = await FIXTURES.find(([name]) => name === 'postgres')?.[1](t);
  if (fixture === undefined) return;
  const count = 11_000;
  const rows = Array.from({ length: count }, (_, i) => ({ id: i % 2 === 0 ? '7' : '007', ...GOOD }));
  await textTable(fixture, rows, (build) => build.string('id', 20).nullable());
  const { table } = fixture.spec;
  await fixture.sql?.(async (knex) => {
    await knex.raw(
      `create collation if not exists numbers (provider = icu, locale = 'en-u-kn-true', deterministic = false)`,
    );
    await knex.raw('alter table ?? alter column id type varchar(20) collate numbers', [table]);
  });
  const { rows: read } = await fixture.store().load();
  assert.equal(read.length, count);
});
