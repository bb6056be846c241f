import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { coreHash, dispatcherHash, finishHash, foldHash } from '../../../src/engine/hash.js';
import { anyUriHash, NO_HASH, uriHash } from '../../../src/engine/hash-keys.js';

const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)) });

/** The hash as documented: unbounded arithmetic cut to 32 bits after each step. */
function described(...strings: string[]): number {
  const wrap = (n: bigint): bigint => BigInt.asUintN(32, n);
  let h = 0n;
  for (const text of strings) {
    const bytes = [...text].map((c) => BigInt.asIntN(8, BigInt(c.charCodeAt(0))));
    let i = 0;
    for (; i + 3 < bytes.length; i += 4) {
      const [a, b, c, d] = bytes.slice(i, i + 4) as [bigint, bigint, bigint, bigint];
      const v = wrap((a << 24n) + (b << 16n) + (c << 8n) + d);
      h = wrap(h + (v ^ (v >> 3n)));
    }
    let v = 0n;
    for (; i < bytes.length; i++) v = wrap((v << 8n) + (bytes[i] as bigint));
    h = wrap(h + (v ^ (v >> 3n)));
  }
  const mixed = wrap(h + (h >> 11n) + ((h >> 13n) + (h >> 23n)));
  return mixed === 0n ? 1 : Number(mixed);
}

describe('the dispatcher hash', () => {
  test('is computed as documented, for any bytes', () => {
    fc.assert(
      fc.property(latin1, fc.option(latin1, { nil: undefined }), (a, b) => {
        assert.equal(dispatcherHash(a, b), b === undefined ? described(a) : described(a, b));
      }),
    );
  });

  test('is never 0, and the hash of the core has its low bits', () => {
    assert.equal(dispatcherHash(''), 1);
    assert.equal(coreHash(''), 0);
    assert.equal(coreHash('ab', undefined, 16), coreHash('ab') % 16);
  });

  test('over a range of a string equals that over the substring', () => {
    fc.assert(
      fc.property(latin1, latin1, latin1, (before, text, after) => {
        const whole = before + text + after;
        const sum = foldHash(0, whole, before.length, before.length + text.length);
        assert.equal(finishHash(sum), coreHash(text));
      }),
    );
  });
});

describe('the keys of a URI', () => {
  const same: readonly [uri: string, user: string, host: string][] = [
    ['sip:bob@example.com', 'bob', 'example.com'],
    ['sip:bob:secret@example.com;lr?a=b', 'bob', 'example.com'],
    ['SIP:bob@Example.COM', 'bob', 'Example.COM'],
    ['sip:example.com', '', 'example.com'],
    ['sip:bob@example.com:5060', 'bob', 'example.com'],
    ['sip:bob@example.com:05060', 'bob', 'example.com'],
    ['sip:bob@example.com:5061', 'bob', 'example.com:5061'],
    ['sips:bob@example.com:5061', 'bob', 'example.com'],
    ['sips:bob@example.com:5060', 'bob', 'example.com:5060'],
    ['sip:bob@example.com:5060;transport=TLS', 'bob', 'example.com:5060'],
    ['sip:bob@example.com:5061;transport=tls', 'bob', 'example.com'],
    ['sip:bob@example.com:05070', 'bob', 'example.com:05070'],
    ['sip:bob@[2001:db8::1]', 'bob', '[2001:db8::1]'],
    ['sip:bob@[2001:db8::1]:5070', 'bob', '[2001:db8::1]:5070'],
    ['sip:a;phone-context=x@host;user=phone', 'a;phone-context=x', 'host'],
    ['sip:?),u@host:65535', '?),u', 'host:65535'],
    ['sip:a@b@host', 'a@b', 'host'],
    ['tel:+4930123;phone-context=x', '+4930123', ''],
    ['urn:service:sos', '', 'service:sos'],
  ];
  for (const [uri, user, host] of same) {
    test(`${uri}: user "${user}", host "${host}"`, () => {
      assert.equal(uriHash(uri, false), dispatcherHash(user, host));
      if (!uri.startsWith('urn')) assert.equal(uriHash(uri, true), dispatcherHash(user));
    });
  }

  test('a text that is not a URI has no hash', () => {
    for (const text of ['', 'bob', ':', 'sip:', ':x', 'sip:bob@', 'sip:bob@host:65536']) {
      assert.equal(uriHash(text, false), NO_HASH, text);
    }
  });

  test('a URI without parameters, read in one pass, has the same hash as its parts', () => {
    const piece = fc.constantFrom(
      'a',
      'bob',
      '+4930123',
      '@',
      ':',
      ':5060',
      ':5061',
      ':70000',
      ';',
      '?',
      '[::1]',
      '.',
      'é',
      ';user=phone',
      ';transport=tls',
      '=',
      '%',
    );
    const text = fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join(''));
    const scheme = fc.constantFrom('sip:', 'sip:', 'sip:', 'sips:', 'SIP:', 'tel:', '');
    const mostly = fc.tuple(text, text).map(([user, host]) => `${user}@${host}`);
    fc.assert(
      fc.property(scheme, fc.oneof(text, mostly), fc.boolean(), fc.constantFrom('opensips', 'kamailio'), (...each) => {
        const [start, rest, userOnly, flavour] = each;
        const uri = start + rest;
        assert.equal(uriHash(uri, userOnly, flavour), anyUriHash(uri, userOnly, flavour), uri);
      }),
      { numRuns: 5000 },
    );
  });

  test('never throw, and are 32-bit numbers', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          latin1,
          latin1.map((s) => `sip:${s}`),
        ),
        fc.boolean(),
        (uri, userOnly) => {
          const hash = uriHash(uri, userOnly);
          assert.ok(hash === NO_HASH || (Number.isInteger(hash) && hash > 0 && hash <= 0xffffffff));
        },
      ),
    );
  });
});
