import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type RawRow, RowReader, stateNumber, storedText } from '../../../src/store/rows.js';

const RULES = { table: 'dispatcher', flavour: 'opensips', persistentState: true } as const;

function read(raw: RawRow, rules: ConstructorParameters<typeof RowReader>[0] = RULES) {
  const reader = new RowReader(rules);
  reader.add({ id: 7, setid: 1, destination: 'sip:a.example', ...raw });
  return reader;
}

const reason = (raw: RawRow) => read(raw).discarded[0]?.reason;

describe('rows of a dispatcher table', () => {
  test('numbers may be text, a big integer or bytes', () => {
    const [row] = read({
      setid: '3',
      weight: ' 50 ',
      priority: Buffer.from('-2'),
      state: 2n,
      id: 9007199254740993n,
    }).rows;
    assert.deepEqual(
      [row?.setId, row?.weight, row?.priority, row?.state, row?.rowId],
      [3, 50, -2, 'probing', '9007199254740993'],
    );
    assert.equal(
      read({ weight: '50.0' }).rows[0]?.weight,
      50,
      'what a driver without integers puts into a text column',
    );
  });

  test('values that are not numbers, or too large, are refused', () => {
    for (const [raw, expected] of [
      [{ setid: 1.5 }, 'set id 1.5 is not an integer'],
      [{ setid: '' }, 'set id is null'],
      [{ setid: 2 ** 31 }, 'set id 2147483648 is not between 0 and 2147483647'],
      [{ weight: '1.5' }, 'weight "1.5" is not an integer'],
      [{ weight: '1e3' }, 'weight "1e3" is not an integer'],
      [
        { weight: 'fs://:geheim@host:8021' },
        'weight is the address of a FreeSWITCH server, and fetch_freeswitch_stats is off',
      ],
      [{ weight: '99999999999' }, 'weight "99999999999" is not an integer'],
      [{ priority: -(2 ** 31) - 1 }, 'priority -2147483649 is not between -2147483648 and 2147483647'],
      [{ probeMode: 3 }, 'probe_mode 3 is not between 0 and 2'],
    ] as const) {
      assert.equal(reason(raw), expected);
    }
  });

  test('a weight reported by a FreeSWITCH server starts at its maximum', () => {
    const rules = { ...RULES, freeswitchMaxWeight: 1000 };
    const reader = new RowReader(rules);
    for (const weight of ['fs://:geheim@10.0.0.9', 5000, Buffer.from(' fs://a:b@[::1]:8022'), 7]) {
      reader.add({ setid: 1, destination: 'sip:a.example', weight });
    }
    reader.add({ setid: 2, destination: 'sip:a.example', weight: 5000 });
    const { rows, discarded } = reader.result();
    assert.deepEqual(discarded, []);
    assert.deepEqual(
      rows.map(({ weight, weightFeed }) => [weight, weightFeed]),
      [
        [1000, 'fs://:geheim@10.0.0.9'],
        [1000, undefined],
        [1000, 'fs://a:b@[::1]:8022'],
        [7, undefined],
        [5000, undefined],
      ],
      'other weights of such a set are cut at the most it can be, as documented; of other sets not',
    );
    for (const weight of ['fs://geheim', 'fs://geheim@host', 'fs:/:geheim@host', 'fs://:geheim@host:0']) {
      const [fault] = read({ weight }, rules).discarded;
      assert.match(fault?.reason ?? '', /^weight: expected fs:\/\//);
      assert.doesNotMatch(fault?.reason ?? '', /geheim/);
    }
  });

  test('destinations to which nothing can be sent are refused', () => {
    assert.equal(reason({ destination: null }), 'destination is null');
    assert.equal(reason({ destination: '' }), 'destination is empty');
    assert.equal(reason({ destination: `sip:${'a'.repeat(2000)}` }), 'destination is longer than 1024 characters');
    for (const destination of [
      'http://a',
      'sip:',
      'sip:a b',
      'sip:a.example\0',
      'sip:a>',
      'sip:a.example?h=1\r\nX: y',
      ' sip:a',
    ]) {
      assert.match(reason({ destination }) ?? '', /is not a SIP URI$/, JSON.stringify(destination));
    }
  });

  test('valid destinations keep their exact form', () => {
    for (const destination of ['sip:u:p@h:5060;transport=tcp?x=y', 'SIPS:[2001:db8::1]:05061', 'sip:h;lr']) {
      assert.equal(read({ destination }).rows[0]?.uri, destination);
    }
  });

  test('a bad row is named by its id, or else by its values', () => {
    assert.equal(read({ id: 'x"y', state: 9 }).discarded[0]?.row, 'table dispatcher, id "x\\"y"');
    assert.equal(
      read({ id: undefined, state: 9 }).discarded[0]?.row,
      'table dispatcher, set 1 destination "sip:a.example"',
    );
  });

  test('without persistent state the state column is not read', () => {
    assert.equal(read({ state: 'nonsense' }, { ...RULES, persistentState: false }).rows[0]?.state, 'active');
  });

  test('text longer than any column is refused', () => {
    assert.match(reason({ attrs: 'a'.repeat(9000) }) ?? '', /attrs is longer/);
  });

  test('states are written with the numbers with which they are read', () => {
    for (const state of [0, 1, 2]) {
      const [row] = read({ state }).rows;
      assert.ok(row !== undefined && stateNumber(row.state) === state);
    }
  });

  test('text is read as one character per UTF-8 byte, and converted back when stored', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(text.length < 2000);
        const attrs = read({ attrs: text }).rows[0]?.attrs ?? '';
        assert.ok([...attrs].every((char) => char.charCodeAt(0) < 256));
        assert.equal(storedText(attrs), text);
      }),
    );
  });

  test('a row with any values is loaded or discarded, never both, and nothing is thrown', () => {
    const cell = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.double(),
      fc.constantFrom(null, undefined, true),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.bigInt(),
    );
    const row = fc.record({
      id: cell,
      setid: cell,
      destination: cell,
      socket: cell,
      state: cell,
      weight: cell,
      attrs: cell,
    });
    fc.assert(
      fc.property(row, fc.constantFrom('opensips', 'kamailio'), (raw, flavour) => {
        const reader = new RowReader({ ...RULES, flavour });
        reader.add(raw);
        assert.equal(reader.rows.length + reader.discarded.length, 1);
        assert.doesNotMatch(reader.discarded[0]?.reason ?? '', /[\r\n]/);
      }),
    );
  });
});
