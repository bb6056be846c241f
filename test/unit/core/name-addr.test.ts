import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { digestUsername } from '../../../src/core/digest-username.js';
import { addrSpecOf } from '../../../src/core/name-addr.js';

describe('the addr-spec of a header value', () => {
  const cases: readonly [string, string][] = [
    ['<sip:alice@example.org>;tag=1', 'sip:alice@example.org'],
    ['sip:alice@example.org;tag=1', 'sip:alice@example.org'],
    ['Alice  <sips:u@x>', 'sips:u@x'],
    ['"q\\"x, <y>" <sip:u@x;transport=tls>;tag=2', 'sip:u@x;transport=tls'],
    [' < tel:+4930 > ', 'tel:+4930'],
    ['<sip:a;b@[2001:db8::1];lr?s=x>;x=y', 'sip:a;b@[2001:db8::1];lr?s=x'],
    ['"never closed <sip:a@b>', '"never closed <sip:a@b>'],
    ['<sip:never@closed', 'sip:never@closed'],
    ['', ''],
  ];
  for (const [value, uri] of cases) {
    test(JSON.stringify(value), () => {
      assert.equal(addrSpecOf(value), uri);
    });
  }

  test('parsing an address never throws', () => {
    fc.assert(fc.property(fc.string(), (value) => assert.equal(typeof addrSpecOf(value), 'string')));
  });
});

describe('the user of digest credentials', () => {
  const cases: readonly [string, string | undefined][] = [
    ['Digest username="bob", realm="r"', 'bob'],
    ['digest realm="r", username=bob, nonce="n"', 'bob'],
    ['Digest username="bob@example.com"', 'bob'],
    ['Digest username=bob smith, realm="r"', 'bob'],
    ['Digest username=" b ob "', 'b ob'],
    ['Digest realm="a, username=\\"x\\"", username = "bob"', 'bob'],
    ['Digest username=""', undefined],
    ['Digest username="@example.com"', undefined],
    ['Digest realm="r"', undefined],
    ['Basic username="bob"', undefined],
    ['Digest', undefined],
    ['', undefined],
  ];
  for (const [credentials, user] of cases) {
    test(JSON.stringify(credentials), () => {
      assert.equal(digestUsername(credentials), user);
    });
  }

  test('is read in linear time, whatever is sent', () => {
    fc.assert(fc.property(fc.string(), (text) => void digestUsername(`Digest ${text}`)));
    const started = process.cpuUsage();
    assert.equal(digestUsername(`Digest ${'a="'.repeat(100_000)}`), undefined);
    assert.equal(digestUsername(`Digest ${'a=,'.repeat(100_000)}`), undefined);
    assert.ok(process.cpuUsage(started).user < 2_000_000);
  });
});
