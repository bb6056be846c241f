import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUri, percentEncoded, uriTransport } from '../../../src/core/uri.js';

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
  test(`${uri} asks for ${transport ?? 'what there is not'}`, () => {
    const parsed = parseUri(uri);
    assert.ok(parsed !== undefined);
    assert.equal(uriTransport(parsed), transport);
  });
}

test('matched bytes are escaped with two hexadecimal digits', () => {
  assert.equal(percentEncoded('a b\n\xff<', /[^a-z]/g), 'a%20b%0a%ff%3c');
  assert.equal(percentEncoded('a b\n\xff<', /[^a-z]/g, true), 'a%20b%0A%FF%3C');
});
