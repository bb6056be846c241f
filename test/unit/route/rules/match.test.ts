import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PvarScope } from '../../../../src/pvar/context.js';
import { compileMatcher } from '../../../../src/route/rules/match.js';
import { parseMessage } from '../../../../src/sip/parse-message.js';

function scope(headers = ''): PvarScope {
  const message = parseMessage(
    'INVITE sip:1000@Acme.Example SIP/2.0\r\nVia: SIP/2.0/UDP 10.1.2.3;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n' +
      `To: <sip:1000@acme.example>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n${headers}Content-Length: 0\r\n\r\n`,
  );
  assert.ok(message);
  return Object.assign(new PvarScope(message), { sourceAddress: '10.1.2.3' });
}

describe('a rule matches', () => {
  for (const [variable, pattern, expected] of [
    ['$rm', 'INVITE', true],
    ['$rm', 'invite', false],
    ['$rd', 'acme.example', true],
    ['$rd', '*.example', true],
    ['$rd', '*.EXAMPLE', true],
    ['$rU', '1***0', true],
    ['$rU', '2*', false],
    ['$si', '10.1.0.0/16', true],
    ['$si', '10.2.0.0/16', false],
    ['$si', '2001:db8::/32', false],
    ['$si', '10.1.2.3', true],
    ['$hdr(X-Set)', '7', true],
    ['$hdr(X-Set)', '*', true],
    ['$hdr(X-Other)', '*', false],
    ['$hdr(X-Other)', '', false],
    ['$hdr(X-Other)', '<null>', true],
    ['$rU', '/^10+$/', true],
    ['$rU', '/^2/', false],
    ['$rd', '/ACME|other/i', true],
    ['$rm', '/inv/', false],
    ['$hdr(X-Other)', '/.*/', false],
  ] as const) {
    test(`${variable} ${pattern}: ${expected}`, () => {
      assert.equal(compileMatcher(variable, pattern)(scope('X-Set: 7\r\n')), expected);
    });
  }

  test('malformed blocks and regular expressions are refused', () => {
    assert.throws(() => compileMatcher('$rU', '/(/'), /regular expression "\(" is not valid/);
    assert.throws(() => compileMatcher('$si', '10.1.0.0/33'), /is not a CIDR block/);
  });

  test('many stars take linear time', () => {
    const match = compileMatcher('$hdr(X-Long)', `${'*a'.repeat(20)}*b`);
    const began = performance.now();
    assert.equal(match(scope(`X-Long: ${'a'.repeat(60)}\r\n`)), false);
    assert.ok(performance.now() - began < 2000);
  });
});
