/** Ports in the messages of warm-up calls; they are never opened. */
export const WARM_UP_PORTS = { proxy: 5060, caller: 5070, gateways: [5080, 5081] } as const;

const SDP =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0 8\r\n' +
  'a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n';
const WITH_BODY = `Content-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`;
const WITHOUT = 'Content-Length: 0\r\n\r\n';

/** A datagram for the daemon, and the port it comes from. */
export interface WarmUpDatagram {
  readonly text: string;
  readonly port: number;
}

/** The INVITE of call number `n`. */
export function warmUpInvite(n: number): string {
  return request(String(n), 'INVITE', '1 INVITE', `sip:service@127.0.0.1:${WARM_UP_PORTS.proxy}`, '', WITH_BODY);
}

/** The answer of the peer at `port` to `text`; 'completed' for the last message of a call. */
export function nextMessage(text: string, port: number): readonly WarmUpDatagram[] | 'completed' {
  if (text.startsWith('INVITE ')) {
    return [
      { text: replyTo(text, '180 Ringing', WITHOUT), port },
      { text: replyTo(text, '200 OK', WITH_BODY), port },
    ];
  }
  if (text.startsWith('BYE ')) return [{ text: replyTo(text, '200 OK', WITHOUT), port }];
  if (!text.startsWith('SIP/2.0 200 ')) return [];
  if (!fields(text, 'CSeq').endsWith(' INVITE\r\n')) return 'completed';
  const [n = ''] = fields(text, 'Call-ID').slice('Call-ID: '.length).split('-');
  const [, to = ''] = fields(text, 'To').trimEnd().split('>');
  const uri = fields(text, 'Contact').slice('Contact: <'.length).trimEnd().slice(0, -1);
  const route = fields(text, 'Record-Route').replaceAll('Record-Route', 'Route');
  const ack = request(n, 'ACK', '1 ACK', uri, to, route + WITHOUT);
  const bye = request(n, 'BYE', '2 BYE', uri, to, route + WITHOUT);
  return [
    { text: ack, port },
    { text: bye, port },
  ];
}

function request(n: string, method: string, cseq: string, uri: string, to: string, more: string): string {
  const { caller, proxy } = WARM_UP_PORTS;
  return (
    `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${caller};branch=z9hG4bK-${n}-${method}\r\n` +
    `From: caller <sip:caller@127.0.0.1:${caller}>;tag=${n}c\r\nTo: service <sip:service@127.0.0.1:${proxy}>${to}\r\n` +
    `Call-ID: ${n}-warm-up@127.0.0.1\r\nCSeq: ${cseq}\r\nContact: sip:caller@127.0.0.1:${caller}\r\n` +
    `Max-Forwards: 70\r\n${more}`
  );
}

function replyTo(request: string, status: string, more: string): string {
  const to = fields(request, 'To').trimEnd();
  const tagged = to.includes(';tag=') ? to : `${to};tag=g`;
  const same = `${fields(request, 'Via')}${fields(request, 'From')}${tagged}\r\n${fields(request, 'Call-ID')}${fields(request, 'CSeq')}`;
  const contact = `Contact: <sip:127.0.0.1:${WARM_UP_PORTS.gateways[0]};transport=UDP>\r\n`;
  return `SIP/2.0 ${status}\r\n${same}${fields(request, 'Record-Route')}${contact}${more}`;
}

/** The header fields with a name, as complete lines. */
function fields(text: string, name: string): string {
  return text
    .split('\r\n')
    .filter((line) => line.startsWith(`${name}:`))
    .map((line) => `${line}\r\n`)
    .join('');
}
