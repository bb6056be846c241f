/**
 * Makes and answers calls in one process, cheaper than SIPp. Run as `call-generator.ts PROXY RATE SECONDS FIRST
 * SECOND`: it answers at the ports FIRST and SECOND of 127.0.0.1 and calls the proxy at port PROXY of the same address
 * RATE times per second (INVITE 180 200 ACK BYE 200). A request without an answer is repeated after half a second.
 * Prints a line "ready", then {"placed", "completed", "repeated", "micros"} as JSON; `micros` is its own CPU time.
 * Datagrams are read and sent in batches where koffi is installed.
 */
import { DatagramQueue } from '../../src/sip/transport/datagram-queue.js';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import type { Receiver, Source } from '../../src/sip/transport/transport.js';
import { UdpSocket } from '../../src/sip/transport/udp.js';

const [proxy = 0, rate = 0, seconds = 0, first = 0, second = 0] = process.argv.slice(2).map(Number);
/** Maximum time for the last calls, in milliseconds. */
const LINGER_MS = 5000;
/** Milliseconds after which a request is repeated. */
const REPEAT_MS = 500;

const loaded = await loadLibc();
const libc = async () => ('libc' in loaded ? loaded.libc : undefined);
const queue = new DatagramQueue();
let placed = 0;
let completed = 0;
let repeated = 0;
/** The unanswered request of each call and when it is repeated, in order of that time. */
const waiting = new Map<string, { readonly text: string; readonly due: number }>();

/**
 * The first header field of a name with all fields of that name that follow it directly, including line breaks; '' when
 * there is none.
 */
function field(text: string, name: string): string {
  let from = text.indexOf(`\r\n${name}: `);
  if (from < 0) return '';
  from += 2;
  let to = text.indexOf('\r\n', from) + 2;
  while (text.startsWith(`${name}: `, to)) to = text.indexOf('\r\n', to) + 2;
  return text.slice(from, to);
}

function receiver(receive: (text: string, source: Source) => void): Receiver {
  const ignore = () => undefined;
  return { receive, garbage: ignore, connectionBroken: ignore, refused: ignore, undelivered: ignore };
}

function open(port: number, receive: (text: string, source: Source) => void): UdpSocket {
  const description = `udp:127.0.0.1:${port}`;
  return new UdpSocket({ address: '127.0.0.1', port, description, libc }, receiver(receive), queue);
}

function answer(text: string, source: Source): void {
  if (text.startsWith('ACK') || text.startsWith('SIP')) return;
  const same = field(text, 'Via') + field(text, 'From') + field(text, 'Call-ID') + field(text, 'CSeq');
  const to = field(text, 'To');
  if (!text.startsWith('INVITE')) {
    source.socket.send(
      `SIP/2.0 200 OK\r\n${same}${to}Content-Length: 0\r\n\r\n`,
      source.address,
      source.port,
      undefined,
    );
    return;
  }
  const tagged = `${to.slice(0, -2)};tag=b\r\nContact: <sip:b@${source.socket.sentBy}>\r\n`;
  const rest = `${same}${tagged}${field(text, 'Record-Route')}Content-Length: 0\r\n\r\n`;
  source.socket.send(`SIP/2.0 180 Ringing\r\n${rest}`, source.address, source.port, undefined);
  source.socket.send(`SIP/2.0 200 OK\r\n${rest}`, source.address, source.port, undefined);
}

const caller = open(0, (text, source) => {
  if (!text.startsWith('SIP/2.0 2')) return;
  const cseq = field(text, 'CSeq');
  const callId = field(text, 'Call-ID');
  const pending = waiting.get(callId);
  if (cseq.includes('BYE')) {
    if (pending !== undefined) completed++;
    waiting.delete(callId);
    return;
  }
  // A repeated 200 for an INVITE that has been answered.
  if (pending?.text.startsWith('INVITE') !== true) return;
  const contact = field(text, 'Contact');
  const uri = contact.slice(contact.indexOf('<') + 1, contact.indexOf('>'));
  const number = callId.slice(9, callId.indexOf('@'));
  const dialog = `${field(text, 'From')}${field(text, 'To')}${callId}${field(text, 'Record-Route').replaceAll('Record-Route', 'Route')}`;
  const tail = 'Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n';
  const via = (step: string) => `Via: SIP/2.0/UDP ${caller.sentBy};branch=z9hG4bK-${process.pid}-${number}-${step}\r\n`;
  source.socket.send(`ACK ${uri} SIP/2.0\r\n${via('a')}${dialog}CSeq: 1 ACK\r\n${tail}`, '127.0.0.1', proxy, undefined);
  request(callId, `BYE ${uri} SIP/2.0\r\n${via('b')}${dialog}CSeq: 2 BYE\r\n${tail}`);
});

function request(callId: string, text: string): void {
  waiting.delete(callId);
  waiting.set(callId, { text, due: performance.now() + REPEAT_MS });
  caller.send(text, '127.0.0.1', proxy, undefined);
}

function repeat(): void {
  const now = performance.now();
  for (const [callId, { text, due }] of waiting) {
    if (due > now) return;
    repeated++;
    request(callId, text);
  }
}

const BODY = `v=0\r\no=a 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n`;

function begin(): void {
  const number = ++placed;
  const text =
    `INVITE sip:${number}@127.0.0.1:${proxy} SIP/2.0\r\n` +
    `Via: SIP/2.0/UDP ${caller.sentBy};branch=z9hG4bK-${process.pid}-${number}-i\r\n` +
    `From: <sip:a@${caller.sentBy}>;tag=${number}\r\nTo: <sip:${number}@127.0.0.1:${proxy}>\r\n` +
    `Call-ID: ${number}@${process.pid}\r\nCSeq: 1 INVITE\r\nContact: <sip:a@${caller.sentBy}>\r\nMax-Forwards: 70\r\n` +
    `Content-Type: application/sdp\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
  request(`Call-ID: ${number}@${process.pid}\r\n`, text);
}

await caller.open();
for (const port of [first, second]) await open(port, answer).open();
process.stdout.write('ready\n');
setInterval(repeat, 50);
const began = performance.now();
const cpuBefore = process.cpuUsage();
const timer = setInterval(() => {
  const due = Math.min(rate * seconds, Math.floor(((performance.now() - began) * rate) / 1000));
  while (placed < due) begin();
  if (placed < rate * seconds) return;
  clearInterval(timer);
  const until = performance.now() + LINGER_MS;
  const look = setInterval(() => {
    if (completed < placed && performance.now() < until) return;
    clearInterval(look);
    const { user, system } = process.cpuUsage(cpuBefore);
    const said = { placed, completed, repeated, micros: user + system };
    process.stdout.write(`${JSON.stringify(said)}\n`, () => process.exit(0));
  }, 20);
}, 1);
