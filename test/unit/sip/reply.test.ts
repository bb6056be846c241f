import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { applyEdits, buildReply, reasonPhrase, viaEdit } from '../../../src/sip/reply.js';
import type { SipSocket } from '../../../src/sip/transport/transport.js';
import { parsed, requestText, sourceOf } from '../../support/sip-recorder.js';

const SOCKET = {} as SipSocket;

/** The top Via value as completed by the receiver. */
function completed(via: string, address: string, port: number): string {
  const message = parsed(requestText({ via }));
  const edit = viaEdit(message, sourceOf(SOCKET, address, port));
  const text = edit === undefined ? message.text : applyEdits(message.text, 0, [edit]);
  return parsed(text).header('via') ?? '';
}

describe('viaEdit: received and rport (RFC 3261 section 18.2.1, RFC 3581 section 4)', () => {
  const cases: readonly [string, string, number, string][] = [
    ['SIP/2.0/UDP 192.0.2.1:5060;branch=z1', '192.0.2.1', 5060, 'SIP/2.0/UDP 192.0.2.1:5060;branch=z1'],
    ['SIP/2.0/UDP 192.0.2.1:5060;branch=z1', '192.0.2.1', 9999, 'SIP/2.0/UDP 192.0.2.1:5060;branch=z1'],
    [
      'SIP/2.0/UDP a.example.com;branch=z1',
      '192.0.2.1',
      5060,
      'SIP/2.0/UDP a.example.com;branch=z1;received=192.0.2.1',
    ],
    [
      'SIP/2.0/UDP 10.0.0.1;branch=z1;rport',
      '192.0.2.1',
      4711,
      'SIP/2.0/UDP 10.0.0.1;branch=z1;rport=4711;received=192.0.2.1',
    ],
    [
      'SIP/2.0/UDP 10.0.0.1;rport;branch=z1',
      '192.0.2.1',
      4711,
      'SIP/2.0/UDP 10.0.0.1;rport=4711;received=192.0.2.1;branch=z1',
    ],
    // Even if sent-by is the source (RFC 3581 section 4).
    [
      'SIP/2.0/UDP 192.0.2.1;branch=z1;rport',
      '192.0.2.1',
      5060,
      'SIP/2.0/UDP 192.0.2.1;branch=z1;rport=5060;received=192.0.2.1',
    ],
    // Values from the sender itself are replaced.
    ['SIP/2.0/UDP a;received=1.2.3.4;branch=z1', '192.0.2.1', 5060, 'SIP/2.0/UDP a;received=192.0.2.1;branch=z1'],
    ['SIP/2.0/UDP 192.0.2.1;received=1.2.3.4;branch=z1', '192.0.2.1', 5060, 'SIP/2.0/UDP 192.0.2.1;branch=z1'],
    [
      'SIP/2.0/UDP a;rport=1;x=y;received=1.2.3.4;branch=z1',
      '192.0.2.1',
      7,
      'SIP/2.0/UDP a;rport=7;received=192.0.2.1;x=y;branch=z1',
    ],
    [
      'SIP/2.0/UDP a;received=1.2.3.4;x=y;rport;branch=z1',
      '192.0.2.1',
      7,
      'SIP/2.0/UDP a;rport=7;received=192.0.2.1;x=y;branch=z1',
    ],
    ['SIP/2.0/UDP [2001:db8::1]:5060;branch=z1', '2001:db8::1', 5060, 'SIP/2.0/UDP [2001:db8::1]:5060;branch=z1'],
    [
      'SIP/2.0/UDP [2001:db8::1];branch=z1',
      '2001:db8::2',
      5060,
      'SIP/2.0/UDP [2001:db8::1];branch=z1;received=2001:db8::2',
    ],
    [
      'SIP/2.0/UDP a;branch=z1, SIP/2.0/TCP b;branch=z2',
      '192.0.2.1',
      5060,
      'SIP/2.0/UDP a;branch=z1;received=192.0.2.1, SIP/2.0/TCP b;branch=z2',
    ],
  ];
  for (const [via, address, port, wanted] of cases) {
    test(`${via} from ${address}:${port}`, () => assert.equal(completed(via, address, port), wanted));
  }
});

describe('buildReply (RFC 3261 section 8.2.6)', () => {
  test('a reply has the Vias in order, From, To with a tag, Call-ID, CSeq and Content-Length', () => {
    const request = parsed(
      requestText({
        via: 'SIP/2.0/UDP a.example.com;branch=z1, SIP/2.0/UDP b.example.com;branch=z2',
        headers: 'v: SIP/2.0/TCP c.example.com;branch=z3\r\nRecord-Route: <sip:x;lr>\r\nContact: <sip:alice@a>\r\n',
      }),
    );
    assert.equal(
      buildReply(request, sourceOf(SOCKET, '192.0.2.9', 5060), 404, 'Not Found', 'mytag', 'X-Why: because\r\n', 'body'),
      'SIP/2.0 404 Not Found\r\n' +
        'Via: SIP/2.0/UDP a.example.com;branch=z1;received=192.0.2.9, SIP/2.0/UDP b.example.com;branch=z2\r\n' +
        'v: SIP/2.0/TCP c.example.com;branch=z3\r\n' +
        'From: "Alice" <sip:alice@example.org>;tag=a1\r\nTo: <sip:bob@example.com>;tag=mytag\r\n' +
        'Call-ID: call-1@example.org\r\nCSeq: 1 INVITE\r\nX-Why: because\r\nContent-Length: 4\r\n\r\nbody',
    );
  });

  test('an existing To tag is kept; a 100 gets none, and has the Timestamp', () => {
    const within = parsed(requestText({ toTag: 'theirs' }));
    assert.match(
      buildReply(within, sourceOf(SOCKET), 481, 'x', 'mine'),
      /\r\nTo: <sip:bob@example\.com>;tag=theirs\r\n/,
    );
    const outside = parsed(requestText({ headers: 'Timestamp: 54\r\n' }));
    const trying = buildReply(outside, sourceOf(SOCKET), 100, 'Trying', 'mine');
    assert.match(trying, /\r\nTo: <sip:bob@example\.com>\r\n/);
    assert.match(trying, /\r\nTimestamp: 54\r\n/);
    assert.doesNotMatch(buildReply(outside, sourceOf(SOCKET), 180, 'Ringing', 'mine'), /Timestamp/);
  });

  test('Record-Route is copied into replies from 180 to 299', () => {
    const request = parsed(
      requestText({ headers: 'Record-Route: <sip:p2;lr>,\r\n <sip:p1;lr>\r\nX-A: b\r\nRecord-Route: <sip:p0;lr>\r\n' }),
    );
    const routes = (code: number): string[] =>
      buildReply(request, sourceOf(SOCKET), code, 'x', 'mine').match(/Record-Route: .*(?:\r\n[ \t].*)*/g) ?? [];
    const all = ['Record-Route: <sip:p2;lr>,\r\n <sip:p1;lr>', 'Record-Route: <sip:p0;lr>'];
    for (const code of [180, 183, 199, 200, 202, 299]) assert.deepEqual(routes(code), all, String(code));
    for (const code of [100, 101, 179, 300, 302, 404, 500, 603]) assert.deepEqual(routes(code), [], String(code));
  });

  test('fields that a malformed request lacks are omitted', () => {
    const broken = parsed('OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z1\r\n\r\n');
    assert.equal(
      buildReply(broken, sourceOf(SOCKET), 400, 'Bad Request', 'tag'),
      'SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP a;branch=z1;received=192.0.2.1\r\nContent-Length: 0\r\n\r\n',
    );
  });
});

test('the reason phrase of an unknown code is that of its class', () => {
  assert.deepEqual([299, 399, 499, 599, 699].map(reasonPhrase), [
    'OK',
    'Redirected',
    'Request Failure',
    'Failure',
    'Failure',
  ]);
  assert.equal(reasonPhrase(487), 'Request Terminated');
});
