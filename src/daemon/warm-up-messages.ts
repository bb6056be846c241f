/** Ports of 127.0.0.1 in the messages of warm-up calls. */
export interface WarmUpPorts {
  readonly proxy: number;
  readonly caller: number;
  readonly gateways: readonly [number, number];
}

/** Ports for messages that only pass through memory; they are never opened. */
export const WARM_UP_PORTS: WarmUpPorts = { proxy: 5060, caller: 5070, gateways: [5080, 5081] };

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

/**
 * How peers write. Code is compiled for what it has seen: where the first real message is written otherwise, it is given
 * up and compiled again.
 */
interface Style {
  /** The caller's name in From, with the space after it. */
  readonly name: string;
  /** Parameters within the angle brackets of the caller's URIs. */
  readonly parameters: string;
  /** Parameters after the branch in Via. */
  readonly via: string;
  /** Further header fields of requests. */
  readonly more: string;
  /** Whether replies have all values of Via, and of Record-Route, in one line. */
  readonly joined: boolean;
}

const STYLES: readonly [Style, ...Style[]] = [
  { name: 'caller ', parameters: '', via: '', more: '', joined: false },
  { name: '"Caller" ', parameters: ';transport=UDP', via: '', more: '', joined: true },
  {
    name: '"Caller, A." ',
    parameters: ';user=phone',
    via: ';rport',
    more: 'User-Agent: caller\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\nSupported: timer, 100rel\r\n',
    joined: false,
  },
];

const styleOf = (n: string): Style => STYLES[Number(n) % STYLES.length] ?? STYLES[0];

/** The INVITE of call number `n`. */
export function warmUpInvite(n: number, ports: WarmUpPorts = WARM_UP_PORTS): string {
  return request(ports, String(n), 'INVITE', '1 INVITE', `sip:service@127.0.0.1:${ports.proxy}`, '', WITH_BODY);
}

/** The answer of the peer at `port` to `text`; 'completed' for the last message of a call. */
export function nextMessage(
  text: string,
  port: number,
  ports: WarmUpPorts = WARM_UP_PORTS,
): readonly WarmUpDatagram[] | 'completed' {
  if (text.startsWith('INVITE ')) {
    return [
      { text: replyTo(text, port, '180 Ringing', WITHOUT), port },
      { text: replyTo(text, port, '200 OK', WITH_BODY), port },
    ];
  }
  if (text.startsWith('BYE ')) return [{ text: replyTo(text, port, '200 OK', WITHOUT), port }];
  if (!text.startsWith('SIP/2.0 200 ')) return [];
  if (!fields(text, 'CSeq').endsWith(' INVITE\r\n')) return 'completed';
  const n = numberOf(text);
  const [, to = ''] = fields(text, 'To').trimEnd().split('>');
  const uri = fields(text, 'Contact').slice('Contact: <'.length).trimEnd().slice(0, -1);
  const route = fields(text, 'Record-Route').replaceAll('Record-Route', 'Route');
  const ack = request(ports, n, 'ACK', '1 ACK', uri, to, route + WITHOUT);
  const bye = request(ports, n, 'BYE', '2 BYE', uri, to, route + WITHOUT);
  return [
    { text: ack, port },
    { text: bye, port },
  ];
}

/** The number of the call. */
function numberOf(text: string): string {
  const [n = ''] = fields(text, 'Call-ID').slice('Call-ID: '.length).split('-');
  return n;
}

function request(
  { caller, proxy }: WarmUpPorts,
  n: string,
  method: string,
  cseq: string,
  uri: string,
  to: string,
  rest: string,
): string {
  const { name, parameters, via, more } = styleOf(n);
  return (
    `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${caller};branch=z9hG4bK-${n}-${method}${via}\r\n` +
    `From: ${name}<sip:caller@127.0.0.1:${caller}${parameters}>;tag=${n}c\r\nTo: <sip:service@127.0.0.1:${proxy}>${to}\r\n` +
    `Call-ID: ${n}-warm-up@127.0.0.1\r\nCSeq: ${cseq}\r\nContact: <sip:caller@127.0.0.1:${caller}${parameters}>\r\n` +
    `Max-Forwards: 70\r\n${more}${rest}`
  );
}

function replyTo(request: string, port: number, status: string, more: string): string {
  const { joined } = styleOf(numberOf(request));
  const to = fields(request, 'To').trimEnd();
  const tagged = to.includes(';tag=') ? to : `${to};tag=g`;
  const all = (name: string) => (joined ? oneLine(fields(request, name), name) : fields(request, name));
  const same = `${all('Via')}${fields(request, 'From')}${tagged}\r\n${fields(request, 'Call-ID')}${fields(request, 'CSeq')}`;
  const contact = `Contact: <sip:127.0.0.1:${port};transport=UDP>\r\n`;
  return `SIP/2.0 ${status}\r\n${same}${all('Record-Route')}${contact}${more}`;
}

/** The header fields with a name, as complete lines. */
function fields(text: string, name: string): string {
  return text
    .split('\r\n')
    .filter((line) => line.startsWith(`${name}:`))
    .map((line) => `${line}\r\n`)
    .join('');
}

/** Lines of header fields with one name as one line. */
function oneLine(lines: string, name: string): string {
  return lines.replaceAll(`\r\n${name}: `, ', ');
}
