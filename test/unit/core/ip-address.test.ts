import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { canonicalIp } from '../../../src/core/ip-address.js';

describe('an IP address as text', () => {
  const same: readonly [string, string][] = [
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['[::1]', '0:0:0:0:0:0:0:1'],
    ['0:0:0:0:0:0:0:1', '0:0:0:0:0:0:0:1'],
    ['2001:DB8::00ff', '2001:db8:0:0:0:0:0:ff'],
    ['::', '0:0:0:0:0:0:0:0'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::ffff:192.0.2.1', '0:0:0:0:0:ffff:c000:201'],
  ];
  for (const [text, canonical] of same) {
    test(`${text} is ${canonical}`, () => {
      assert.equal(canonicalIp(text), canonical);
    });
  }

  test('a text that is not an IP address has no canonical form', () => {
    const others = ['', 'localhost', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.4:5060', ':::', '1::2::3'];
    others.push('1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '12345::', 'fe80::1%eth0', '[::1', '::1.2.3', '1.2.3.4::');
    for (const text of others) assert.equal(canonicalIp(text), undefined, text);
  });

  test('a text is an address exactly when the system accepts it', () => {
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.stringMatching(/^[0-9a-f:.]{1,20}$/),
      fc.stringMatching(/^(?:[0-9a-f]{0,4}:){2,8}[0-9a-f]{0,4}$/),
    );
    fc.assert(
      fc.property(text, (each) => {
        assert.equal(canonicalIp(each) !== undefined, isIP(each) !== 0, each);
      }),
      { numRuns: 1000 },
    );
  });
});
