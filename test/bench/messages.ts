/**
 * Time for each message of a call through the whole daemon, in process, without sending: warm, and with the processor
 * caches emptied before each message, as for a daemon that wakes up for a single message. Medians, so that other
 * processes have little influence. Run: node --import tsx test/bench/messages.ts [CALLS]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../src/config/load.js';
import { nullLogger } from '../../src/core/logger.js';
import { Daemon } from '../../src/daemon/daemon.js';
import type { Source } from '../../src/sip/transport/transport.js';
import { ROUTING } from './routing.js';

const CALLS = Number(process.argv[2] ?? 1500);
/** The JIT compiler still optimises and deoptimises for some 10,000 calls. */
const WARM_CALLS = 12_000;
const CALLER = 6000;
const GATEWAYS = [7001, 7002];
/** Larger than the second-level cache of any processor. */
const EVICTED_BYTES = 6 * 1024 * 1024;
const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n';
const KINDS = ['INVITE', '180', '200', 'ACK', 'BYE', '200 to BYE'] as const;

interface Sent {
  readonly text: string;
  readonly port: number;
}

const folder = await mkdtemp(join(tmpdir(), 'bench-messages-'));
await writeFile(join(folder, 'list'), GATEWAYS.map((port) => `1 sip:127.0.0.1:${port}\n`).join(''));
const { settings } = readSettings(
  {
    listen: ['udp:127.0.0.1:5060'],
    modparam: { list_file: './list' },
    routing: ROUTING,
  },
  { cwd: folder },
);
let sent: Sent[] = [];
const log = Object.assign(Object.create(nullLogger), { level: 'silent' });
const daemon = new Daemon({ settings, log, unsent: (text, _address, port) => sent.push({ text, port }) });
await daemon.start();
const [socket] = daemon.sockets.all;
if (socket === undefined) throw new Error('there is no socket');
const sources = new Map<number, Source>(
  [CALLER, ...GATEWAYS].map((port) => [port, { socket, address: '127.0.0.1', port, flow: undefined }]),
);
const evicted = new Uint8Array(EVICTED_BYTES);
let isCold = false;
let times: Map<string, number[]> | undefined;
let calls = 0;

/** Hands a message to the daemon and returns what it sent; the text is flat, like one that was read from a socket. */
function give(kind: (typeof KINDS)[number], text: string, port: number): readonly Sent[] {
  const flat = Buffer.from(text, 'latin1').toString('latin1');
  sent = [];
  if (isCold) for (let i = 0; i < evicted.length; i += 64) evicted[i] = (evicted[i] as number) + 1;
  const before = process.hrtime.bigint();
  daemon.layer.receive(flat, sources.get(port) as Source);
  const took = Number(process.hrtime.bigint() - before) / 1000;
  const known = times?.get(kind);
  if (known === undefined) times?.set(kind, [took]);
  else known.push(took);
  return sent;
}

/** Complete lines of the header fields of a name. */
function lines(text: string, name: string): string {
  return (text.match(new RegExp(`^${name}:.*\\r\\n`, 'gm')) ?? []).join('');
}

/** A reply to a request that was sent, with a To tag. */
function replyTo(request: string, status: string, more = ''): string {
  const to = lines(request, 'To').trimEnd();
  const tagged = to.includes(';tag=') ? to : `${to};tag=${calls}gw`;
  const head = `${lines(request, 'Via')}${lines(request, 'From')}${tagged}\r\n${lines(request, 'Call-ID')}${lines(request, 'CSeq')}`;
  return `SIP/2.0 ${status}\r\n${head}${lines(request, 'Record-Route')}Contact: <sip:127.0.0.1>\r\n${more}`;
}

function call(): void {
  const n = ++calls;
  const dialog = (method: string, cseq: string, uri: string, to: string, more: string): string =>
    `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${CALLER};branch=z9hG4bK-${n}-${method}\r\n` +
    `From: sipp <sip:sipp@127.0.0.1:${CALLER}>;tag=${n}t\r\nTo: service <sip:service@127.0.0.1:5060>${to}\r\n` +
    `Call-ID: ${n}-${(n * 7919) % 100_000}@127.0.0.1\r\nCSeq: ${cseq}\r\nContact: sip:sipp@127.0.0.1:${CALLER}\r\n` +
    `Max-Forwards: 70\r\n${more}`;
  const body = `Content-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`;
  const none = 'Content-Length: 0\r\n\r\n';
  const first = give('INVITE', dialog('INVITE', '1 INVITE', 'sip:service@127.0.0.1:5060', '', body), CALLER);
  const invite = first.find(({ text }) => text.startsWith('INVITE')) as Sent;
  const route = lines(invite.text, 'Record-Route').replace('Record-Route', 'Route');
  give('180', replyTo(invite.text, '180 Ringing', none), invite.port);
  give('200', replyTo(invite.text, '200 OK', body), invite.port);
  const uri = `sip:127.0.0.1:${invite.port};transport=UDP`;
  give('ACK', dialog('ACK', '1 ACK', uri, `;tag=${n}gw`, route + none), CALLER);
  const last = give('BYE', dialog('BYE', '2 BYE', uri, `;tag=${n}gw`, route + none), CALLER);
  const bye = last.find(({ text }) => text.startsWith('BYE')) as Sent;
  give('200 to BYE', replyTo(bye.text, '200 OK', none), bye.port);
}

async function run(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    call();
    if (i % 20 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

async function measured(count: number, cold: boolean): Promise<ReadonlyMap<string, number>> {
  isCold = cold;
  times = undefined;
  await run(300);
  times = new Map();
  await run(count);
  const median = (all: readonly number[]) => [...all].sort((a, b) => a - b)[all.length >> 1] as number;
  return new Map([...times].map(([kind, all]) => [kind, median(all)]));
}

await run(WARM_CALLS);
const warm = await measured(4 * CALLS, false);
const cold = await measured(CALLS, true);
const row = (name: string, a: number, b: number) =>
  process.stdout.write(`${name.padEnd(12)} ${a.toFixed(1).padStart(6)} ${b.toFixed(1).padStart(6)}\n`);
process.stdout.write('microseconds   warm   cold\n');
for (const kind of KINDS) row(kind, warm.get(kind) ?? Number.NaN, cold.get(kind) ?? Number.NaN);
const sum = (all: ReadonlyMap<string, number>) => [...all.values()].reduce((total, each) => total + each, 0);
row('a call', sum(warm), sum(cold));
await daemon.stop();
await rm(folder, { recursive: true, force: true });
