import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUri, percentDecoded, percentEncoder, uriTransport } from '../../../src/core/uri.js';

for (const [uri, transport] of [
  ['sip:h', 'udp'],
  ['sip:h;transport=TCP', 'tcp'],
  ['sip:h;transport=ws', 'ws'],
  ['sip:h;transport=pigeon', undefined],
  ['sips:h', 'tls'],
  ['sips:h;transport=tcp', 'tls'],
  ['sips:h;transport=tls', 'tls'],
  ['sips:h;transport=ws', 'wss'],
  ['sips:h;transport=wss', 'wss'],
  ['sips:h;transport=udp', undefined],
  ['sips:h;transport=sctp', undefined],
] as const) {
  test(`${uri} asks for ${transport ?? 'no known transport'}`, () => {
    const parsed = parseUri(uri);
    assert.ok(parsed !== undefined);
    assert.equal(uriTransport(parsed), transport);
  });
}

test('matched bytes are escaped with two hexadecimal digits', () => {
  assert.equal(percentEncoder(/[^a-z]/)('a b\n\xff<'), 'a%20b%0a%ff%3c');
  assert.equal(percentEncoder(/[^a-z]/, true)('a b\n\xff<'), 'a%20b%0A%FF%3C');
});

test('escapes of two hexadecimal digits are decoded once; other percent signs stay', () => {
  assert.equal(percentDecoded('%41%4a%4A%ff%00'), 'AJJ\xff\0');
  assert.equal(percentDecoded('%2541 %4 %4g %g4 % %%41'), '%41 %4 %4g %g4 % %A');
});
