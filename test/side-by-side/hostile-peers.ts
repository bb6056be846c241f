import type { TestCall } from '../support/side-by-side.js';
import type { Calls } from '../support/two-proxies.js';
import { debianFile, GATEWAY } from './debian-default.js';
import type { OperatorFile } from './operator-file.js';

type Lines = readonly string[];

/** A request that violates the RFC: header lines by name, which replace those of a valid request; "" removes one. */
const broken =
  (
    changes: Readonly<Record<string, string | Lines>>,
    start = 'INVITE sip:+4930123@sw.example SIP/2.0',
    body = '',
  ): Calls[string][1] =>
  async (call: TestCall): Promise<void> => {
    const sound: Record<string, string | Lines> = {
      Via: `SIP/2.0/UDP 127.0.0.1:CALLER;branch=z9hG4bK${call.callId};rport`,
      'Max-Forwards': '70',
      From: '<sip:alice@sw.example>;tag=ft',
      To: '<sip:+4930123@sw.example>',
      'Call-ID': call.callId,
      CSeq: '1 INVITE',
      Contact: '<sip:alice@127.0.0.1:CALLER>',
      'Content-Length': String(body.length),
      ...changes,
    };
    const lines = Object.entries(sound).flatMap(([name, value]) =>
      (typeof value === 'string' ? [value] : value).filter((each) => each !== '').map((each) => `${name}: ${each}`),
    );
    call.raw([start, ...lines, '', body].join('\r\n'));
    // A dropped request is followed by one that is answered.
    await call.ask('OPTIONS', { uri: 'sip:sw.example', cseq: 900 });
  };

const x = (count: number): string => 'x'.repeat(count);
const start = (uri: string, method = 'INVITE'): string => `${method} ${uri} SIP/2.0`;

/** Requests of hostile or faulty peers. */
const HOSTILE: Readonly<Record<string, Calls[string][1]>> = {
  sound: broken({}),
  'no Via': broken({ Via: '' }),
  'no Max-Forwards': broken({ 'Max-Forwards': '' }),
  'Max-Forwards of letters': broken({ 'Max-Forwards': 'abc' }),
  'Max-Forwards below zero': broken({ 'Max-Forwards': '-1' }),
  'Max-Forwards of 300': broken({ 'Max-Forwards': '300' }),
  'no From': broken({ From: '' }),
  'no To': broken({ To: '' }),
  'no CSeq': broken({ CSeq: '' }),
  'no Contact': broken({ Contact: '' }),
  'a CSeq of another method': broken({ CSeq: '1 BYE' }),
  'a CSeq without a method': broken({ CSeq: '1' }),
  'a CSeq of letters': broken({ CSeq: 'x INVITE' }),
  'a CSeq of 2 to the 32': broken({ CSeq: '4294967296 INVITE' }),
  'a CSeq of 2 to the 31': broken({ CSeq: '2147483648 INVITE' }),
  'two From': broken({ From: ['<sip:alice@a.example>;tag=ft', '<sip:eve@a.example>;tag=et'] }),
  'two CSeq': broken({ CSeq: ['1 INVITE', '2 INVITE'] }),
  'a From without a tag': broken({ From: '<sip:alice@a.example>' }),
  'a From that is no URI': broken({ From: 'alice' }),
  'a From with an open quote': broken({ From: '"Alice <sip:alice@a.example>;tag=ft' }),
  'a From with an open bracket': broken({ From: '<sip:alice@a.example;tag=ft' }),
  'a To that is no URI': broken({ To: 'bob' }),
  'a To of a telephone': broken({ To: 'tel:+4930123' }),
  'a body longer than it says': broken({ 'Content-Length': '2' }, undefined, 'v=0\r\ns=-\r\n'),
  'a body shorter than it says': broken({ 'Content-Length': '200' }, undefined, 'v=0\r\n'),
  'a length below zero': broken({ 'Content-Length': '-5' }),
  'a length of letters': broken({ 'Content-Length': 'x' }),
  'no length': broken({ 'Content-Length': '' }, undefined, 'v=0\r\n'),
  'two lengths': broken({ 'Content-Length': ['0', '5'] }),
  'an empty user': broken({}, start('sip:@sw.example')),
  'no user': broken({}, start('sip:sw.example')),
  'a port of letters': broken({}, start('sip:+4930123@sw.example:x')),
  'a port too large': broken({}, start('sip:+4930123@sw.example:99999')),
  'two at signs': broken({}, start('sip:+4930@123@sw.example')),
  'another scheme': broken({}, start('http://sw.example/')),
  'a telephone number': broken({}, start('tel:+4930123')),
  'no scheme': broken({}, start('4930123')),
  'an escaped user': broken({}, start('sip:+49%33%30123@sw.example')),
  'an escaped line break': broken({}, start('sip:4930%0d%0aX:y@sw.example')),
  'a version of the future': broken({}, 'INVITE sip:+4930123@sw.example SIP/3.0'),
  'no version': broken({}, 'INVITE sip:+4930123@sw.example'),
  'two blanks': broken({}, 'INVITE  sip:+4930123@sw.example SIP/2.0'),
  'a method of small letters': broken({ CSeq: '1 invite' }, start('sip:+4930123@sw.example', 'invite')),
  'a method that nobody knows': broken({ CSeq: '1 FOO' }, start('sip:+4930123@sw.example', 'FOO')),
  'a method of signs': broken({ CSeq: '1 F<>O' }, start('sip:+4930123@sw.example', 'F<>O')),
  'a user of 300 letters': broken({}, start(`sip:${x(300)}@sw.example`)),
  'a header of 8,000 letters': broken({ 'X-Long': x(8000) }),
  '300 headers': broken({ 'X-Many': Array.from({ length: 300 }, (_, i) => String(i)) }),
  '70 Via': broken({
    Via: [
      'SIP/2.0/UDP 127.0.0.1:CALLER;branch=z9hG4bKmany;rport',
      ...Array.from({ length: 70 }, (_, i) => `SIP/2.0/UDP h${i}.example;branch=z9hG4bK${i}`),
    ],
  }),
  'a folded header': broken({ Subject: 'one\r\n two' }),
  'a header without a colon': broken({ 'X-Before': 'a\r\nnothing' }),
  'a header without a name': broken({ 'X-Before': 'a\r\n: nothing' }),
  'a line feed alone': broken({ 'X-Before': 'a\nX-After: b' }),
  'a zero byte': broken({ 'X-Zero': 'a\0b' }),
  'a header in UTF-8': broken({ Subject: 'gr\u00c3\u00bc\u00c3\u009fe' }),
  'a Via of another protocol': broken({ Via: 'HTTP/1.1/TCP 127.0.0.1:CALLER;branch=z9hG4bKhttp' }),
  'a Via without a branch': broken({ Via: 'SIP/2.0/UDP 127.0.0.1:CALLER;rport' }),
  'a Via of the past': broken({ Via: 'SIP/2.0/UDP 127.0.0.1:CALLER;branch=1;rport' }),
  'a Via with an empty branch': broken({ Via: 'SIP/2.0/UDP 127.0.0.1:CALLER;branch=;rport' }),
  'a Via of a stranger': broken({ Via: 'SIP/2.0/UDP 192.0.2.1:9;branch=z9hG4bKstranger;rport' }),
  'a Route that is no URI': broken({ Route: 'here' }),
  'a Route to elsewhere': broken({ Route: '<sip:192.0.2.1;lr>' }),
  'an open Route': broken({ Route: '<sip:127.0.0.1;lr' }),
  'a Contact that is none': broken({ Contact: 'here' }),
  'a Contact of a star': broken({ Contact: '*' }),
  'a Require': broken({ Require: 'foo' }),
  'a Proxy-Require': broken({ 'Proxy-Require': 'foo' }),
  'compact headers': broken({
    Via: '',
    v: 'SIP/2.0/UDP 127.0.0.1:CALLER;branch=z9hG4bKcompact;rport',
    From: '',
    f: '<sip:alice@a.example>;tag=ft',
    To: '',
    t: '<sip:+4930123@sw.example>',
  }),
};

/** Debian's file, which checks each request with sanity_check() and sends numbers with a plus to the gateway. */
export const HOSTILE_PEERS: OperatorFile = debianFile({
  words: ['PSTN'],
  title: 'hostile peers',
  filled: GATEWAY,
  calls: Object.fromEntries(Object.entries(HOSTILE).map(([name, make]) => [name, ['+4930123', make] as const])),
});
