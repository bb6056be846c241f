import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lettersOf } from '../../../src/engine/kamailio/live.js';
import { readListFile } from '../../../src/store/list-store.js';
import { engineWith, partitionOptions } from '../../support/partitions.js';

/** Rows of a list file in the order of dispatcher.list: "set: uri letters priority attrs". */
async function loaded(text: string, strict = false): Promise<{ rows: string[]; discarded: string[] }> {
  const { rows, discarded } = await readListFile(Buffer.from(text, 'latin1'), 'list', 'kamailio', true, strict);
  const partition = engineWith([partitionOptions({ flavour: 'kamailio' })]).partition('');
  partition?.load(rows, { inheritState: true });
  const all = [...(partition?.snapshot.sets.values() ?? [])].flatMap((set) => set.destinations);
  return {
    rows: all.map((each) =>
      `${each.setId}: ${each.row.uri} ${lettersOf(each)} ${each.row.priority} ${each.row.attrs}`.trim(),
    ),
    discarded: discarded.map(({ row, reason }) => `${row}: ${reason}`),
  };
}

const A = 'sip:127.0.0.1:7001';
const B = 'sip:127.0.0.1:7002';

/** Recorded from Kamailio 5.6.3: the file, and the loaded rows. */
const RECORDED: readonly [text: string, rows: readonly string[]][] = [
  [`1 ${A}`, [`1: ${A} AX 0`]],
  [`   1\t${A}\t0\t5\tduid=a`, [`1: ${A} AX 5 duid=a`]],
  [`# c\n\n1 ${A} 0 0 # trailing\n1 ${B}#frag 0 0`, [`1: ${B} AX 0`, `1: ${A} AX 0`]],
  [`1 ${A} 0 0 duid=a # c\n1 ${B} 0 0 duid=b#x`, [`1: ${B} AX 0 duid=b#x`, `1: ${A} AX 0 duid=a`]],
  [`1 ${A} 0 0 duid=a; weight=50`, [`1: ${A} AX 0 duid=a`]],
  [`1 ${A} 0 0 duid=a;weight=50;`, [`1: ${A} AX 0 duid=a;weight=50`]],
  [`1 ${A} 0 0 noval;duid=a`, [`1: ${A} AX 0 noval;duid=a`]],
  [`${A} 0 0`, [`0: ${A} AX 0`]],
  [`1${A}`, [`1: ${A} AX 0`]],
  [`1 ${A} AP 0 duid=a`, [`1: ${A} AX 0 AP`]],
  [`1 ${A} 0 -5 duid=a`, [`1: ${A} AX 0 -5`]],
  [`1 ${A} duid=a`, [`1: ${A} AX 0 duid=a`]],
  ['1 127.0.0.1:7001\n1 gw.local.invalid 16 0', ['1: sip:gw.local.invalid AX 0', `1: ${A} AX 0`]],
  [
    `1 ${A} 31 0\n1 ${B} 64 0\n1 sip:127.0.0.1:7003 3 0\n1 sip:127.0.0.1:7004 10 0`,
    ['1: sip:127.0.0.1:7004 TP 0', '1: sip:127.0.0.1:7003 IX 0', `1: ${B} AX 0`, `1: ${A} IP 0`],
  ],
  [`1 ${A} 0 3 duid=a\r\n2 ${B}\r\n`, [`1: ${A} AX 3 duid=a`, `2: ${B} AX 0`]],
  [
    `1 ${A} 0 1\n1 ${B} 0 10\n1 sip:127.0.0.1:7003 0 10\n1 sip:127.0.0.1:7004 0 5`,
    ['1: sip:127.0.0.1:7003 AX 10', `1: ${B} AX 10`, '1: sip:127.0.0.1:7004 AX 5', `1: ${A} AX 1`],
  ],
  ['', []],
  ['# x', []],
];

describe('a list file', () => {
  for (const [text, rows] of RECORDED) {
    test(`is read as recorded: ${JSON.stringify(text.slice(0, 50))}`, async () => {
      assert.deepEqual(await loaded(text), { rows, discarded: [] });
    });
  }

  test('strict: large numbers wrap at 32 bits, hexadecimal ones end at the x, and a line continues as the next one after 1023 bytes, as recorded', async () => {
    assert.deepEqual((await loaded(`1 ${A} 0x8 0`, true)).rows, [`1: ${A} AX 0 x8`]);
    assert.deepEqual((await loaded(`99999999999 ${A}`, true)).rows, [`1215752191: ${A} AX 0`]);
    assert.deepEqual((await loaded(`1 ${A} 99999999999 4294967297`, true)).rows, [`1: ${A} IP 1`]);
    const { rows } = await loaded(`1 ${A} 0 0 duid=${'x'.repeat(1100)}\n1 ${B}`, true);
    const start = `1 ${A} 0 0 duid=`;
    assert.deepEqual(rows, [
      `1: ${B} AX 0`,
      `1: ${A} AX 0 duid=${'x'.repeat(1023 - start.length)}`,
      `0: sip:${'x'.repeat(1100 + start.length - 1023)} AX 0`,
    ]);
  });

  test('strict: a line without a destination fails the load, as recorded', async () => {
    await assert.rejects(loaded(`2 ${A}\n1 # x`, true), /list file list, line 2: no destination after the set id/);
  });

  for (const attrs of ['duid="a', 'duid="a"b', 'duid=;weight=5', 'duid=a;;', 'x=";cc=1']) {
    test(`attrs that Kamailio refuses are refused: ${attrs}`, async () => {
      const { discarded } = await loaded(`1 ${A} 0 0 ${attrs}`);
      assert.match(discarded[0] ?? '', /are not a list of name=value/);
    });
  }

  test('"@" without a user is refused', async () => {
    assert.match((await loaded('1 sip:@127.0.0.1')).discarded[0] ?? '', /"@" without a user/);
  });

  test('hexadecimal flags are read, as Kamailio 6.x reads them', async () => {
    assert.deepEqual((await loaded(`1 ${A} 0x9 7`)).rows, [`1: ${A} IP 7`]);
  });

  test('a wrong line is reported with its file and number, and the others load', async () => {
    const { rows, discarded } = await loaded(
      `1\n1 # x\n1 sip:\n1 xyz:abc 0 0\n1 ${A}\n-1 ${A}\n1 ${B} 0 0 =x;;\n99999999999 ${A}\n1 <${A}> 0 0\n1 ${A} 0 0 socket=xxx:9.9.9.9:1\n`,
    );
    assert.deepEqual(rows, [`1: ${A} AX 0`]);
    assert.deepEqual(
      discarded.map((each) => each.replace(/^(file list, line \d+): .*/, '$1')),
      [1, 2, 3, 4, 6, 7, 8, 9, 10].map((line) => `file list, line ${line}`),
    );
    assert.match(discarded[0] ?? '', /no destination after the set id/);
    assert.match(discarded[5] ?? '', /attrs "=x;" are not a list of name=value/);
  });

  test('without strict a line of 2,000 bytes is one row', async () => {
    const { rows, discarded } = await loaded(`1 ${A} 0 0 duid=${'x'.repeat(2000)}`);
    assert.equal(rows.length, 1);
    assert.deepEqual(discarded, []);
  });

  test('the socket comes from the attributes and distinguishes destinations', async () => {
    const { rows } = await readListFile(
      Buffer.from(`1 ${A} 0 0 socket=udp:127.0.0.1:5060;weight=30\n`),
      'list',
      'kamailio',
      true,
    );
    assert.equal(rows[0]?.socket, 'udp:127.0.0.1:5060');
    assert.equal(rows[0]?.weight, 30);
  });
});
