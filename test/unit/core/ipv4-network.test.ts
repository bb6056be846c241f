import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contains, ipv4Number, readNetwork } from '../../../src/core/ipv4-network.js';

const lies = (address: string, network: string): boolean =>
  contains(readNetwork(network), address, ipv4Number(address));

test('an address is in a network when its first bits agree', () => {
  assert.equal(lies('10.1.2.3', '10.0.0.0/8'), true);
  assert.equal(lies('11.1.2.3', '10.0.0.0/8'), false);
  assert.equal(lies('172.31.255.255', '172.16.0.0/12'), true);
  assert.equal(lies('172.32.0.0', '172.16.0.0/12'), false);
  assert.equal(lies('192.0.2.1', '192.0.2.1'), true);
  assert.equal(lies('192.0.2.2', '192.0.2.1/32'), false);
  assert.equal(lies('203.0.113.9', '0.0.0.0/0'), true);
});

test('a value that is not an IPv4 network is compared as text', () => {
  assert.equal(lies('2001:db8::1', '2001:db8::1/128'), true);
  assert.equal(lies('2001:db8::2', '2001:db8::1/128'), false);
  assert.equal(lies('gw.example', 'gw.example/32'), true);
  assert.equal(lies('10.0.0.1', 'gw.example/8'), false);
});
