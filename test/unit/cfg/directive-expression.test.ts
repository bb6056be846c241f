import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ExpressionFault, evaluateDirective } from '../../../src/cfg/source/directive-expression.js';

const DEFINES = new Map([
  ['WITH_NAT', ''],
  ['KAMAILIO_VERSION', '6001000'],
  ['OS_NAME', '"linux"'],
  ['IPADDR', '127.0.0.1'],
]);

describe('expressions of preprocessor lines, as the core cookbook of 6.0 has them', () => {
  const cases: readonly [string, number | string][] = [
    ['KAMAILIO_VERSION >= 5006000', 1],
    ['5006000 <= KAMAILIO_VERSION', 1],
    ['WITH_NAT && WITH_RTPENGINE', 0],
    ['WITH_NAT || WITH_RTPENGINE', 1],
    ['!WITH_NAT', 0],
    ['WITH_NAT && (OS_NAME == "linux")', 1],
    ['WITH_NAT && (OS_NAME == "darwin")', 0],
    ['1 + "20"', 21],
    ['"1" + 20', '120'],
    ['4 > "20"', 0],
    ['"4" > 20', 1],
    ['"sip:" + IPADDR + ":5060"', 'sip:127.0.0.1:5060'],
    ["'\"sip:' + IPADDR + ':5060\"'", '"sip:127.0.0.1:5060"'],
    ['1<<4', 16],
    ['2 + 3 * 4', 14],
    ['(2 + 3) * 4', 20],
    ['2 ** 3 ** 2', 512],
    ['-3 % 2', -1],
    ['6 & 3 | 8', 10],
    ['^0', -1],
    ['0x10', 16],
  ];
  for (const [text, expected] of cases) {
    test(`${text} gives ${JSON.stringify(expected)}`, () => assert.equal(evaluateDirective(text, DEFINES), expected));
  }
});

test('anything else is refused, and only the documented error is thrown', () => {
  for (const text of ['', '1 +', '(1', '1)', '1 2', '"a', '1 / 0', '$var', '('.repeat(500)]) {
    assert.throws(() => evaluateDirective(text, DEFINES), ExpressionFault, text);
  }
  const piece = fc.constantFrom(
    '1',
    '"a"',
    'WITH_NAT',
    '+',
    '**',
    '(',
    ')',
    '!',
    '&&',
    '==',
    '%',
    '<<',
    ' ',
    'x',
    '\\',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      try {
        evaluateDirective(pieces.join(''), DEFINES);
      } catch (error) {
        assert.ok(error instanceof ExpressionFault, String(error));
      }
    }),
    { numRuns: 300 },
  );
});
