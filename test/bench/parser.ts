import type { SipMessage } from '../../src/sip/message.js';
import { parseMessage } from '../../src/sip/parse-message.js';

/** How often per second one core does something. */
export interface Speed {
  readonly name: string;
  readonly perSecond: number;
}

const SDP = [
  'v=0',
  'o=alice 2890844526 2890844526 IN IP4 198.51.100.7',
  's=-',
  'c=IN IP4 198.51.100.7',
  't=0 0',
  'm=audio 49170 RTP/AVP 0 8 97',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:97 iLBC/8000',
  '',
].join('\r\n');

const INVITE = [
  'INVITE sip:+431234567@gateway.example.com:5060;user=phone SIP/2.0',
  'Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK74bf9ca8d2;rport',
  'Via: SIP/2.0/UDP 192.0.2.4:5062;branch=z9hG4bK87asdks7;received=203.0.113.9',
  'Max-Forwards: 69',
  'From: "Alice" <sip:alice@example.com>;tag=9fxced76sl',
  'To: Bob <sip:+431234567@example.com;user=phone>',
  'Call-ID: 3848276298220188511@atlanta.example.com',
  'CSeq: 1 INVITE',
  'Contact: <sip:alice@198.51.100.7:5060;transport=udp>',
  'Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO',
  'Supported: replaces, timer, 100rel',
  'User-Agent: Phone/2.1',
  'Content-Type: application/sdp',
  `Content-Length: ${SDP.length}`,
  '',
  SDP,
].join('\r\n');

const RINGING = [
  'SIP/2.0 180 Ringing',
  'Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKf3c2b9a1.0',
  'Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK74bf9ca8d2;rport=5060;received=198.51.100.7',
  'Record-Route: <sip:127.0.0.1:5060;lr>',
  'From: "Alice" <sip:alice@example.com>;tag=9fxced76sl',
  'To: Bob <sip:+431234567@example.com;user=phone>;tag=314159',
  'Call-ID: 3848276298220188511@atlanta.example.com',
  'CSeq: 1 INVITE',
  'Contact: <sip:bob@203.0.113.20:5060>',
  'Content-Length: 0',
  '',
  '',
].join('\r\n');

/**
 * Messages parsed per second from the bytes of a datagram, with and without the lookups a proxy does for every message.
 * `slice`: milliseconds each is measured.
 */
export function runParserBench(slice = 400): Speed[] {
  const invite = Buffer.from(INVITE, 'latin1');
  const ringing = Buffer.from(RINGING, 'latin1');
  return [
    measure(`parse an INVITE, ${invite.length} bytes`, slice, () => read(invite).headersEnd),
    measure('the same, Via Call-ID and tags read', slice, () => {
      const message = read(invite);
      return (
        message.callId.length + message.toTag.length + message.fromTag.length + (message.via === undefined ? 0 : 1)
      );
    }),
    measure(`parse a 180, ${ringing.length} bytes`, slice, () => read(ringing).headersEnd),
    measure('the same, Via and Call-ID read', slice, () => {
      const message = read(ringing);
      return message.callId.length + (message.via === undefined ? 0 : 1);
    }),
  ];
}

function read(datagram: Buffer): SipMessage {
  const message = parseMessage(datagram.toString('latin1'));
  if (message === undefined || message.defect !== undefined)
    throw new Error(`the parser refuses a sound message: ${message?.defect}`);
  return message;
}

/** Runs `work` in batches for `slice` milliseconds, after a warm-up of the same length, and returns its rate. */
export function measure(name: string, slice: number, work: () => number): Speed {
  let sink = 0;
  let rate = 0;
  for (let round = 0; round < 2; round++) {
    const start = performance.now();
    let count = 0;
    let elapsed = 0;
    while (elapsed < slice) {
      for (let i = 0; i < 200; i++) sink += work();
      count += 200;
      elapsed = performance.now() - start;
    }
    rate = (count * 1000) / elapsed;
  }
  // The result is used; otherwise the compiler could remove the work.
  if (Number.isNaN(sink)) throw new Error(`${name}: no result`);
  return { name, perSecond: rate };
}
