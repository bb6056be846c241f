import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMessage } from '../../../src/sip/parse-message.js';
import { buildReply, markedVia, type ViaMarking } from '../../../src/sip/reply.js';
import type { Source } from '../../../src/sip/transport/transport.js';

const source = { socket: {}, address: '192.0.2.9', port: 5099, flow: undefined } as unknown as Source;

function via(line: string, marking: ViaMarking, ownReply: boolean): string {
  const text = `OPTIONS sip:a@b SIP/2.0\r\nVia: ${line}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n`;
  const message = parseMessage(text);
  assert.ok(message !== undefined);
  const edit = markedVia(message, source, marking, ownReply);
  const whole = edit === undefined ? text : text.slice(0, edit.start) + edit.text + text.slice(edit.end);
  return /^Via: (.*)\r$/m.exec(whole)?.[1] ?? '';
}

const PLAIN = 'SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK1';

test('with the marking of OpenSIPS received and rport stand right after sent-by', () => {
  const cases: readonly (readonly [line: string, marking: ViaMarking, ownReply: boolean, expected: string])[] = [
    [PLAIN, 'front', true, 'SIP/2.0/UDP 10.0.0.1:5070;received=192.0.2.9;branch=z9hG4bK1'],
    [PLAIN, 'front-forced', true, 'SIP/2.0/UDP 10.0.0.1:5070;received=192.0.2.9;rport=5099;branch=z9hG4bK1'],
    [PLAIN, 'front-forced', false, 'SIP/2.0/UDP 10.0.0.1:5070;rport=5099;received=192.0.2.9;branch=z9hG4bK1'],
    [
      'SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK1;rport;x=1',
      'front',
      false,
      'SIP/2.0/UDP 10.0.0.1:5070;received=192.0.2.9;branch=z9hG4bK1;rport=5099;x=1',
    ],
    ['SIP/2.0/UDP 192.0.2.9', 'front', true, 'SIP/2.0/UDP 192.0.2.9'],
    ['SIP/2.0/UDP 10.0.0.1', 'front', true, 'SIP/2.0/UDP 10.0.0.1;received=192.0.2.9'],
    [PLAIN, 'asked', true, 'SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK1;received=192.0.2.9'],
    [
      'SIP/2.0/UDP [2001:db8::1]:5070;branch=a',
      'front',
      true,
      'SIP/2.0/UDP [2001:db8::1]:5070;received=192.0.2.9;branch=a',
    ],
  ];
  for (const [line, marking, ownReply, expected] of cases) assert.equal(via(line, marking, ownReply), expected);
});

test('with the marking of Kamailio received stands after sent-by in forwarded requests, and at the end in replies of the proxy', () => {
  const asked = 'SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bK1;x=1';
  const cases: readonly (readonly [line: string, marking: ViaMarking, ownReply: boolean, expected: string])[] = [
    [PLAIN, 'ends', false, 'SIP/2.0/UDP 10.0.0.1:5070;received=192.0.2.9;branch=z9hG4bK1'],
    [PLAIN, 'ends', true, 'SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK1;received=192.0.2.9'],
    [PLAIN, 'ends-forced', false, 'SIP/2.0/UDP 10.0.0.1:5070;rport=5099;received=192.0.2.9;branch=z9hG4bK1'],
    [PLAIN, 'ends-forced', true, 'SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK1;rport=5099;received=192.0.2.9'],
    [asked, 'ends', false, 'SIP/2.0/UDP 10.0.0.1:5070;received=192.0.2.9;rport=5099;branch=z9hG4bK1;x=1'],
    [asked, 'ends', true, 'SIP/2.0/UDP 10.0.0.1:5070;rport=5099;branch=z9hG4bK1;x=1;received=192.0.2.9'],
    ['SIP/2.0/UDP 192.0.2.9;branch=a', 'ends', false, 'SIP/2.0/UDP 192.0.2.9;branch=a'],
    ['SIP/2.0/UDP 192.0.2.9;branch=a', 'ends-forced', false, 'SIP/2.0/UDP 192.0.2.9;rport=5099;branch=a'],
    [
      'SIP/2.0/UDP 10.0.0.1;received=10.0.0.2;branch=a',
      'ends-forced',
      false,
      'SIP/2.0/UDP 10.0.0.1;rport=5099;received=192.0.2.9;branch=a',
    ],
  ];
  for (const [line, marking, ownReply, expected] of cases) assert.equal(via(line, marking, ownReply), expected);
});

test('a reply of the proxy is built with the marking', () => {
  const message = parseMessage(
    `OPTIONS sip:a@b SIP/2.0\r\nVia: ${PLAIN}\r\nTo: <sip:b@b>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n`,
  );
  assert.ok(message !== undefined);
  const reply = buildReply(message, source, 200, 'OK', 't', '', '', 'front-forced');
  assert.match(reply, /\r\nVia: SIP\/2\.0\/UDP 10\.0\.0\.1:5070;received=192\.0\.2\.9;rport=5099;branch=z9hG4bK1\r\n/);
});
