import type { PvarMessage } from '../../src/pvar/context.js';

const COMPACT: Readonly<Record<string, string>> = { f: 'from', t: 'to', i: 'call-id', m: 'contact', v: 'via' };

/** A SIP message split in the simplest way that suffices for the variables; the product's parser is in src/sip. */
export function pvarMessage(text: string): PvarMessage {
  const [head = '', body = ''] = text.split('\r\n\r\n');
  const [start = '', ...lines] = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    return [COMPACT[name] ?? name, line.slice(colon + 1).trim()] as const;
  });
  const isRequest = !start.startsWith('SIP/2.0');
  const [first = '', second = '', ...rest] = start.split(' ');
  const header = (name: string, index = 0) => headers.filter(([each]) => each === name.toLowerCase())[index]?.[1];
  const cseq = (header('cseq') ?? '').split(' ');
  return {
    isRequest,
    method: isRequest ? first : undefined,
    requestUri: isRequest ? second : '',
    status: isRequest ? undefined : Number(second),
    reason: isRequest ? undefined : rest.join(' '),
    header,
    headers: (name) => headers.filter(([each]) => each === name.toLowerCase()).map(([, value]) => value),
    headerCount: (name) => headers.filter(([each]) => each === name.toLowerCase()).length,
    callId: header('call-id'),
    cseqNumber: cseq[0] === '' ? undefined : Number(cseq[0]),
    cseqMethod: cseq[1],
    from: header('from'),
    to: header('to'),
    body,
    text,
    length: text.length,
  };
}

/** An INVITE with many kinds of header fields. */
export const INVITE = [
  'INVITE sip:bob:secret@example.com:5070;transport=tcp;lr?Subject=x SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK1;received=203.0.113.9;rport=4000',
  'Via: SIP/2.0/TLS [2001:db8::1];branch=z9hG4bK0',
  'From: "Alice, \\"A\\" <x>" <sip:alice@atlanta.example;user=phone>;tag=from-tag',
  'To: <sips:bob@biloxi.example>',
  'Call-ID: abc@host',
  'CSeq: 314 INVITE',
  'Contact: "One" <sip:one@192.0.2.1;transport=tcp>;q=0.5, <sip:two@192.0.2.2>',
  'Contact: <sip:three@192.0.2.3>',
  'User-Agent: Phone 1.0',
  'X-Set: 7',
  'X-Set: 8',
  'Proxy-Authorization: Digest username="carol@chicago.example", realm="r.example", nonce="n1", uri="sip:x"',
  'Content-Type: application/sdp',
  'Content-Length: 4',
  '',
  'v=0\r',
].join('\r\n');

export const REPLY = [
  'SIP/2.0 486 Busy Here',
  'Via: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK1',
  'From: <sip:alice@atlanta.example>;tag=a',
  'To: sip:bob@biloxi.example;tag=b',
  'Call-ID: abc@host',
  'CSeq: 7 BYE',
  'Content-Length: 0',
  '',
  '',
].join('\r\n');
