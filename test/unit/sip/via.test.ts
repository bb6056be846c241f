import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseVia, type Via } from '../../../src/sip/via.js';

function via(value: string): Via | undefined {
  return parseVia(value, 0, value.length);
}

describe('parseVia', () => {
  test('all parts of a Via are found', () => {
    const value =
      'SIP/2.0/udp host.example.com:5070;branch=z9hG4bK1;rport=99;received=192.0.2.1;maddr=224.2.0.1;ttl=16';
    const parsed = via(value) as Via;
    assert.deepEqual(
      [parsed.transport, parsed.host, parsed.port, parsed.branch, parsed.rport, parsed.rportValue, parsed.received],
      ['UDP', 'host.example.com', 5070, 'z9hG4bK1', true, 99, '192.0.2.1'],
    );
    assert.equal(parsed.maddr, '224.2.0.1');
    assert.equal(value.slice(parsed.rportStart, parsed.rportEnd), ';rport=99');
    assert.equal(value.slice(parsed.receivedStart, parsed.receivedEnd), ';received=192.0.2.1');
    assert.deepEqual([parsed.start, parsed.end, parsed.more], [0, value.length, false]);
  });

  test('IPv6 references keep their brackets', () => {
    const parsed = via('SIP/2.0/TCP [2001:db8::9:1]:5061;branch=z9hG4bK1;received=2001:db8::9:255') as Via;
    assert.deepEqual([parsed.host, parsed.port, parsed.received], ['[2001:db8::9:1]', 5061, '2001:db8::9:255']);
    assert.equal((via('SIP/2.0/TCP [::1];branch=z') as Via).port, 0);
  });

  test('blanks and folds are allowed wherever the grammar has them', () => {
    const parsed = via(
      'SIP  / 2.0\r\n /UDP   first.example.com: 4000;ttl=16\r\n ;maddr=224.2.0.1 ; branch  =  z9hG4bKa7c6a8dlze.1 , X',
    ) as Via;
    assert.deepEqual(
      [parsed.transport, parsed.host, parsed.port, parsed.branch, parsed.maddr, parsed.more],
      ['UDP', 'first.example.com', 4000, 'z9hG4bKa7c6a8dlze.1', '224.2.0.1', true],
    );
  });

  test('of several values in a field the first is parsed, up to its comma', () => {
    const value = 'SIP/2.0/UDP a.example.com;branch=1, SIP/2.0/TCP b.example.com;branch=2';
    const parsed = via(value) as Via;
    assert.deepEqual(
      [parsed.branch, parsed.more, value.slice(parsed.end)],
      ['1', true, value.slice(value.indexOf(','))],
    );
  });

  test('a comma within quotes does not end the value', () => {
    const parsed = via('SIP/2.0/UDP a.example.com;x="a,b\\",c";branch=1') as Via;
    assert.deepEqual([parsed.branch, parsed.more], ['1', false]);
  });

  test('parameter names are matched whole and without case', () => {
    const parsed = via('SIP/2.0/UDP a;branchx=no;BRANCH=yes;rportx;receivedx=1;maddrx=2') as Via;
    assert.deepEqual([parsed.branch, parsed.rport, parsed.received, parsed.maddr], ['yes', false, '', '']);
  });

  for (const value of [
    '',
    'SIP/2.0/UDP',
    'SIP/2.0/UDP ',
    'SIP/2.0/UDP ;branch=1',
    'SIP/3.0/UDP a',
    'HTTP/1.1/TCP a',
    'SIP/2.0/ a',
    'SIP/2.0/UDP a b',
    'SIP/2.0/UDP a:',
    'SIP/2.0/UDP a:x',
    'SIP/2.0/UDP a:0x1f',
    'SIP/2.0/UDP a:5e3',
    'SIP/2.0/UDP a:65536',
    'SIP/2.0/UDP a:123456',
    'SIP/2.0/UDP [::1',
    'SIP/2.0/UDP <a>',
    'SIP/2.0/UDP 192.0.2.15;;,;,,',
    'SIP/2.0/UDP a;branch=1;',
    'SIP/2.0/ABCDEFGHIJKLMNOPQ a',
  ]) {
    test(`"${value}" is malformed`, () => assert.equal(via(value), undefined));
  }

  test('an rport that is not a number counts as one without value', () => {
    const parsed = via('SIP/2.0/UDP a;rport=1e2') as Via;
    assert.deepEqual([parsed.rport, parsed.rportValue], [true, 0]);
  });

  test('property: never throws, spans lie inside the field', () => {
    const piece = fc.constantFrom(
      'SIP/2.0/UDP ',
      'a',
      '[::1]',
      ':',
      '5060',
      ';',
      'branch=',
      'rport',
      '"',
      '\\',
      ',',
      ' ',
      '\r\n ',
      'received=',
      '=',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const value = `SIP/2.0/UDP ${pieces.join('')}`;
        const parsed = via(value);
        if (parsed === undefined) return;
        assert.ok(parsed.end <= value.length && parsed.start <= parsed.end);
        for (const [start, end] of [
          [parsed.rportStart, parsed.rportEnd],
          [parsed.receivedStart, parsed.receivedEnd],
        ] as const) {
          assert.ok(start <= end && end <= parsed.end);
        }
        assert.equal(parsed.more, value.charAt(parsed.end) === ',');
      }),
      { numRuns: 500 },
    );
  });
});
