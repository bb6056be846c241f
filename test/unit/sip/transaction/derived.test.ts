import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseMessage } from '../../../../src/sip/parse-message.js';
import { buildAck, buildCancel } from '../../../../src/sip/transaction/derived.js';

const REQUEST = [
  'INVITE sip:a@192.0.2.7 SIP/2.0',
  'Route: <sip:192.0.2.8;lr>',
  'v: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx, SIP/2.0/UDP caller;branch=z9hG4bKup',
  'cseq: 1   INVITE',
  'Via: SIP/2.0/UDP further;branch=z9hG4bKf',
  't: <sip:a@example.org>',
  'Subject: s',
  'Call-ID: c1',
  'From: <sip:b@example.org>;tag=f',
  'l: 3',
  'ROUTE: <sip:192.0.2.9;lr>',
  '',
  'abc',
].join('\r\n');

const FORM = { opensips: false, userAgent: '', extra: '' } as const;

describe('requests derived from one that was sent, in the form of Kamailio', () => {
  test('an ACK has the fields of the INVITE with their names and order, and no others', () => {
    const reply = parseMessage(
      'SIP/2.0 486 Busy\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\nFrom: <sip:b@example.org>;tag=f\r\nTo: <sip:a@example.org>;tag=t\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n',
    );
    assert.ok(reply !== undefined);
    assert.deepEqual(buildAck(REQUEST, reply, FORM).split('\r\n'), [
      'ACK sip:a@192.0.2.7 SIP/2.0',
      'Route: <sip:192.0.2.8;lr>',
      'Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx',
      'cseq: 1   ACK',
      't: <sip:a@example.org>;tag=t',
      'Call-ID: c1',
      'From: <sip:b@example.org>;tag=f',
      'l: 0',
      'ROUTE: <sip:192.0.2.9;lr>',
      '',
      '',
    ]);
  });

  test('fields whose names begin as ac_extra_hdrs says are copied, but never Via and Require', () => {
    const request = REQUEST.replace('Call-ID:', 'X-One: 1\r\nRequire: 100rel\r\nRAck: 1\r\nCall-ID:');
    const names = (extra: string) =>
      buildCancel(request, '', { ...FORM, extra })
        .split('\r\n')
        .map((line) => line.split(':')[0]);
    assert.ok(names('x-').includes('X-One'));
    assert.ok(!names('x-').includes('RAck'));
    assert.ok(names('r').includes('RAck'));
    assert.ok(!names('r').includes('Require'));
  });

  test('a CANCEL keeps the order and the names of the fields, with further lines at its end', () => {
    const cancel = buildCancel(REQUEST, 'Reason: SIP;cause=200\r\n', FORM);
    const lines = cancel.split('\r\n');
    assert.equal(lines[0], 'CANCEL sip:a@192.0.2.7 SIP/2.0');
    assert.equal(lines[3], 'cseq: 1   CANCEL');
    assert.equal(lines[4], 't: <sip:a@example.org>');
    assert.deepEqual(lines.slice(-4), ['ROUTE: <sip:192.0.2.9;lr>', 'Reason: SIP;cause=200', '', '']);
  });
});
