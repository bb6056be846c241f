import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { formatTextRow, parseTextRow, readTextTable, replaceFile } from '../../../src/store/db-text.js';
import { createTextStore } from '../../../src/store/text-store.js';
import { storeConfig } from '../../support/store-fixtures.js';

/** Recorded from OpenSIPS 4.1.0-dev: the file before and after a clean shutdown that wrote states. */
const HEADER =
  'id(int,auto) setid(int) destination(string) socket(string,null) state(int) weight(int) priority(int) attrs(string,null) description(string,null)';
const BEFORE = [
  HEADER,
  '1:1:sip\\:127.0.62.1\\:5066::0:1:0::',
  '2:1:sip\\:usr@127.0.62.2\\:5066;transport=udp::1:1:0::',
  '5:2:sip\\:127.0.62.11\\:5066::0:1:0::',
  '6:2:sip\\:127.0.62.12\\:5066::0:1:0::',
  '',
].join('\n');
const AFTER = BEFORE.replace('11\\:5066::0', '11\\:5066::1').replace('12\\:5066::0', '12\\:5066::1');

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'switchyard-text-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

test('fields with any characters are read back as they were written', () => {
  const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
  const field = fc.oneof(
    fc.array(byte).map((bytes) => bytes.join('')),
    fc.stringMatching(/^[\\:\n\r\t\0nrt0]*$/),
  );
  fc.assert(
    fc.property(fc.array(field, { minLength: 1 }), (fields) => {
      const line = formatTextRow(fields);
      assert.doesNotMatch(line, /[\n\r]/);
      assert.deepEqual(parseTextRow(line), fields);
    }),
  );
});

test('recorded rows with escaped colons and empty fields are parsed', () => {
  assert.deepEqual(parseTextRow('2:1:sip\\:usr@127.0.62.2\\:5066;transport=udp::1:1:0::'), [
    '2',
    '1',
    'sip:usr@127.0.62.2:5066;transport=udp',
    '',
    '1',
    '1',
    '0',
    '',
    '',
  ]);
  assert.deepEqual(parseTextRow('a\\'), ['a\\'], 'a backslash at the end stands for itself');
});

test('states are written back as OpenSIPS writes them; all other bytes stay', async (t) => {
  const dir = await folder(t);
  const url = { kind: 'text', path: dir, canonical: `text://${dir}`, display: `text://${dir}` } as const;
  await writeFile(join(dir, 'dispatcher'), BEFORE, { mode: 0o640 });
  await writeFile(join(dir, 'version'), 'table_name(string) table_version(int)\ndispatcher:9\n');
  const store = createTextStore(url, storeConfig(`text://${dir}`, 'dispatcher'));
  const { rows, discarded } = await store.load();
  assert.deepEqual(discarded, []);
  assert.deepEqual(
    rows.map((row) => row.state),
    ['active', 'inactive', 'active', 'active'],
  );
  const write = (index: number) => {
    const row = rows[index] as (typeof rows)[number];
    return store.saveStates([{ rowId: row.rowId, setId: row.setId, uri: row.uri, state: 'inactive' }]);
  };
  await Promise.all([write(2), write(3)]);
  assert.equal(await readFile(join(dir, 'dispatcher'), 'utf8'), AFTER);
  assert.equal((await stat(join(dir, 'dispatcher'))).mode & 0o777, 0o640);
  assert.deepEqual((await readdir(dir)).sort(), ['dispatcher', 'version'], 'no temporary file is left');
});

test('rows with too few or too many fields are discarded and named by their line', async (t) => {
  const dir = await folder(t);
  const url = { kind: 'text', path: dir, canonical: `text://${dir}`, display: `text://${dir}` } as const;
  const lines = [
    'setid(int) destination(string)',
    '1:sip\\:a.example\r',
    '1:sip:b.example',
    '2',
    'x:sip\\:c.example',
    '',
  ];
  await writeFile(join(dir, 'gws'), lines.join('\n'));
  await writeFile(join(dir, 'version'), 'table_name(string) table_version(int)\ngws:1\n');
  const { rows, discarded } = await createTextStore(url, storeConfig(`text://${dir}`, 'gws')).load();
  assert.deepEqual(
    rows.map((row) => row.uri),
    ['sip:a.example'],
  );
  assert.deepEqual(discarded, [
    { row: 'table gws, line 3', reason: '3 fields instead of 2', at: { line: 3 } },
    { row: 'table gws, line 4', reason: '1 fields instead of 2', at: { line: 4 } },
    {
      row: 'table gws, line 5',
      reason: 'set id "x" is not an integer',
      at: { id: undefined, line: 5, column: 'setid' },
    },
  ]);
});

test('a file without column definitions is refused', async (t) => {
  const dir = await folder(t);
  for (const text of ['', '\n1:2\n', 'id setid\n', 'id(int) destination(string\n']) {
    await writeFile(join(dir, 'bad'), text);
    await assert.rejects(readTextTable(join(dir, 'bad')), { code: 'STORE_SCHEMA', message: /line 1/ });
  }
  await assert.rejects(readTextTable(join(dir, 'none')), { code: 'STORE_UNREACHABLE' });
});

test('a symbolic link to a table stays a link', async (t) => {
  const dir = await folder(t);
  await writeFile(join(dir, 'real'), 'old');
  await symlink(join(dir, 'real'), join(dir, 'link'));
  await replaceFile(join(dir, 'link'), 'new');
  assert.equal(await readFile(join(dir, 'real'), 'latin1'), 'new');
});
