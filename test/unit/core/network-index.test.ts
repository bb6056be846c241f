import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkTest } from '../../../src/core/network-index.js';

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

test('an address is in no network of another family, of other bits, or of a text that is none', () => {
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

test('a number of bits that is missing, too large or no number makes no network, least of all one of all addresses', () => {
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
