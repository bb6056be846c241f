import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { formatRows, readRowFile } from '../../../../src/cli/database/row-file.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-rows-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function read(text: string | Buffer) {
  const file = join(folder, 'rows');
  writeFileSync(file, text);
  const problems: string[] = [];
  const rows = readRowFile(file, (problem) => problems.push(problem));
  return { rows, problems };
}

const REFUSED = { code: 'USAGE' };

test('JSON arrays, JSON lines and CSV give the same rows', () => {
  const row = { setid: 1, destination: 'sip:10.0.0.1', weight: '50', attrs: 'a="b", c', socket: null };
  const csv = 'setid,destination,weight,attrs,socket\r\n1,sip:10.0.0.1,50,"a=""b"", c",\r\n';
  for (const text of [JSON.stringify([row]), `${JSON.stringify(row)}\n`, csv, `\ufeff${csv}`]) {
    assert.deepEqual(read(text).rows, [row]);
  }
});

test('an empty field of a CSV file is null, a quoted one is an empty text', () => {
  const [row] = read('setid,destination,attrs,description\n1,sip:h,"",\n').rows;
  assert.deepEqual([row?.['attrs'], row?.['description']], ['', null]);
});

test('a list file is read by its own rules, and a bad line is named', () => {
  const { rows, problems } = read('# gateways\n1 sip:10.0.0.1 0 5 duid=a\n2\n');
  assert.deepEqual(rows, [{ setid: 1, destination: 'sip:10.0.0.1', flags: 0, priority: 5, attrs: 'duid=a' }]);
  assert.match(problems.join(), /line 3: no destination/);
});

test('states in a file of rows may be words', () => {
  assert.deepEqual(
    read('[{"setid":1,"destination":"sip:h","state":"probing"}]').rows.map((row) => row['state']),
    [2],
  );
});

test('a row of another form is refused with its file and number', () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['[1]', /row 1 is not an object/],
    ['[{"destination":"sip:h"}]', /row 1: setid is not a number/],
    ['[{"setid":-1,"destination":"sip:h"}]', /setid is not a number/],
    ['[{"setid":1}]', /destination is missing/],
    ['[{"setid":1,"destination":"sip:h","state":3}]', /state is not one of 0, 1, 2/],
    ['[{"setid":1,"destination":"sip:h","priority":"x"}]', /priority is not a number/],
    ['[{"setid":1,"destination":"sip:h","weight":"heavy"}]', /weight is not a number/],
    ['[{"setid":1,"destination":"sip:h","weight":"fs://secret@host"}]', /row 1: weight: expected fs:/],
    ['[{"setid":1,"destination":{}}]', /destination is neither text nor a number/],
    ['[{"setid":1', /neither a JSON array nor JSON lines/],
    ['setid,destination\n1,"sip:h\n', /Quote/],
    ['setid,destination\n1,sip:h,2\n', /line 2.*Record Length/],
  ];
  for (const [text, reason] of refused) {
    assert.throws(() => read(text), { ...REFUSED, message: reason }, text);
  }
});

const cell = fc.oneof(fc.constant(null), fc.string({ unit: 'grapheme' }));
const row = fc.record(
  {
    id: fc.integer({ min: 1 }),
    setid: fc.nat(),
    destination: fc.string({ unit: 'grapheme' }),
    weight: fc.nat().map(String),
    attrs: cell,
    description: cell,
    site: cell,
  },
  { noNullPrototype: true },
);

test('rows written in either format are read unchanged', () => {
  const columns = ['id', 'setid', 'destination', 'weight', 'attrs', 'description', 'site'];
  fc.assert(
    fc.property(fc.array(row, { maxLength: 5 }), (rows) => {
      for (const format of ['json', 'csv'] as const) {
        if (rows.length === 0 && format === 'csv') continue;
        assert.deepEqual(read(formatRows({ columns, rows }, format)).rows, rows);
      }
    }),
    { numRuns: 300 },
  );
});
