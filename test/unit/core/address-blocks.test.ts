import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressBlocks, isAddressBlock } from '../../../src/core/address-blocks.js';

test('addresses and blocks of both families are read', () => {
  const blocks = new AddressBlocks(['192.0.2.1', '10.0.0.0/8', '2001:db8::/32']);
  for (const address of ['192.0.2.1', '10.255.0.1', '2001:db8:ffff::1', '10.255.0.1']) {
    assert.equal(blocks.has(address), true, address);
  }
  for (const address of ['192.0.2.2', '11.0.0.1', '2001:db9::1', '', 'sbc.example']) {
    assert.equal(blocks.has(address), false, address);
  }
  assert.equal(new AddressBlocks([]).has('10.0.0.1'), false);
});

test('a text that is neither an address nor a CIDR block is refused', () => {
  for (const text of ['', 'sbc.example', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0/8', '::/129', '::/-1']) {
    assert.equal(isAddressBlock(text), false, text);
    assert.throws(() => new AddressBlocks([text]), { code: 'CONFIG_INVALID' });
  }
});
