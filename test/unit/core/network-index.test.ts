import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalIp } from '../../../src/core/ip-address.js';
import { networkTest } from '../../../src/core/network-index.js';
import { assertLinear } from '../../support/growth.js';
import { seeded } from '../../support/motifs.js';

test('a network contains addresses of its family by its bits', () => {
  for (const [address, network] of [
    ['1.2.3.4', '1.2.3.4'],
    ['1.2.3.4', '1.2.3.0/24'],
    ['1.2.3.4', '0.0.0.0/0'],
    ['1.2.3.4', '1.2.3.4/32'],
    ['::1', '0:0::1'],
    ['2001:db8::1', '2001:db8::/32'],
    ['2001:db8::1', '::/0'],
  ] as const)
    assert.ok(networkTest(address)(network), `${address} ${network}`);
});

test('an address is in no network of another family or with other bits, and in none made of an invalid text', () => {
  for (const [address, network] of [
    ['1.2.3.4', '1.2.3.5'],
    ['1.2.3.4', '1.2.4.0/24'],
    ['1.2.3.4', '::/0'],
    ['::1', '0.0.0.0/0'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['2001:db9::1', '2001:db8::/32'],
    ['[2001:db8::1]', '2001:db8::/32'],
    ['::1', '[::1]'],
    ['', ''],
    ['x', 'x'],
    ['1.2.3.4', '01.2.3.4'],
    ['1.2.3.4', 'x/8'],
  ] as const)
    assert.ok(!networkTest(address)(network), `${address} ${network}`);
});

test('a text whose number of bits is missing, too large or not a number is no network, and matches no address', () => {
  for (const bits of [
    '',
    '33',
    '129',
    '999',
    'x',
    '-1',
    '+8',
    ' 8',
    '8 ',
    '0x8',
    '1e1',
    '0/0',
    '255.255.255.0',
    '0'.repeat(60),
  ])
    assert.ok(!networkTest('1.2.3.4')(`1.2.3.4/${bits}`), bits);
  assert.ok(!networkTest('2001:db8::1')('2001:db8::1/129'));
});

test('addresses are read as everywhere else', () => {
  const random = seeded(7);
  const int = (below: number): number => Math.floor(random() * below);
  const parts = [
    '::',
    ':',
    '0',
    '1',
    'a',
    'F',
    'ffff',
    '12345',
    '1.2.3.4',
    '256.1.1.1',
    '.',
    '10',
    '01',
    '%',
    '[',
    ']',
  ];
  let addresses = 0;
  for (let i = 0; i < 20_000; i++) {
    let text = '';
    for (let count = 1 + int(17); count > 0; count--)
      text += count % 2 === 1 || int(4) === 0 ? (parts[int(parts.length)] ?? '') : int(3) === 0 ? '.' : ':';
    if (text.startsWith('[')) continue;
    const canonical = canonicalIp(text);
    if (canonical !== undefined) addresses++;
    assert.equal(networkTest(canonical ?? '::1')(text), canonical !== undefined, text);
    assert.equal(networkTest(text)(canonical ?? text), canonical !== undefined, text);
  }
  assert.ok(addresses > 200, String(addresses));
});

test('a list of networks of 64 KB takes at most 5 ms', () => {
  const cases = ['10.1.2.0/24,', '1.2.3.4/32,', '2001:db8:0:1::/64,', '::/0,', '1:2:3:4:5:6:7:9,', '1.1.1.1/1,'].map(
    (unit) => ({ name: unit, make: (length: number) => unit.repeat(Math.floor(length / unit.length)) }),
  );
  for (const address of ['1.2.3.4', '2001:db8::1'])
    assertLinear(address, cases, (text) => {
      const contains = networkTest(address);
      let found = 0;
      for (const each of text.split(',')) if (contains(each)) found++;
      return found;
    });
});
