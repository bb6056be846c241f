import type { Logger } from '../../src/core/logger.js';
import type { Random } from '../../src/core/random.js';
import type { TransportName } from '../../src/core/uri.js';
import { Admission, type AdmissionBounds } from '../../src/sip/admission.js';
import type { SipMessage } from '../../src/sip/message.js';
import { parseMessage } from '../../src/sip/parse-message.js';
import type { TransactionConfig } from '../../src/sip/transaction/config.js';
import type { LayerCounters } from '../../src/sip/transaction/counters.js';
import { TransactionLayer } from '../../src/sip/transaction/layer.js';
import type { InviteServer } from '../../src/sip/transaction/server.js';
import type { TransactionUser } from '../../src/sip/transaction/user.js';
import {
  type Flow,
  hostPort,
  type SipSocket,
  type Source,
  type TransportError,
} from '../../src/sip/transport/transport.js';
import { newCounters } from '../../src/workers/tallies.js';
import { FakeClock } from './fake-clock.js';

/** A message that was sent. */
export interface Sent {
  /** Monotonic milliseconds of the fake clock. */
  readonly at: number;
  readonly text: string;
  readonly address: string;
  readonly port: number;
  readonly flow: Flow | undefined;
  /** Reports a transport error for it later, as a socket would. */
  fail(error: TransportError): void;
}

/** A socket without a port that records sent messages. */
export class RecordingSocket implements SipSocket {
  readonly sent: Sent[] = [];
  /** Connections by flow token. */
  readonly flows = new Map<string, { readonly flow: Flow; readonly address: string; readonly port: number }>();
  readonly sentBy: string;
  readonly description: string;
  readonly family: 4 | 6;

  constructor(
    private readonly clock: FakeClock,
    readonly transport: TransportName = 'udp',
    readonly address = '127.0.0.1',
    readonly port = 5060,
  ) {
    this.family = address.includes(':') ? 6 : 4;
    this.sentBy = hostPort(address, port);
    this.description = `${transport}:${this.sentBy}`;
  }

  get reliable(): boolean {
    return this.transport !== 'udp';
  }

  findFlow(id: string): { readonly flow: Flow; readonly address: string; readonly port: number } | undefined {
    return this.flows.get(id);
  }

  send(
    text: string,
    address: string,
    port: number,
    onError: ((error: TransportError) => void) | undefined,
    flow?: Flow | undefined,
  ): void {
    this.sent.push({ at: this.clock.monotonic(), text, address, port, flow, fail: (error) => onError?.(error) });
  }

  /** Removes the messages sent so far and returns them parsed. */
  take(): SipMessage[] {
    return this.sent.splice(0).map((each) => parsed(each.text));
  }

  /** Methods or status codes of the messages sent so far; nothing is removed. */
  get lines(): string[] {
    return this.sent.map((each) => startWord(each.text));
  }

  async open(): Promise<void> {}
  async close(): Promise<void> {}
}

/** Parses a valid message; throws for another text. */
export function parsed(text: string): SipMessage {
  const message = parseMessage(text);
  if (message === undefined) throw new Error(`not a SIP message: ${text.slice(0, 60)}`);
  return message;
}

/** "INVITE" of a request, "180" of a reply. */
export function startWord(text: string): string {
  const words = text.split(' ', 2);
  return (words[0] === 'SIP/2.0' ? words[1] : words[0]) ?? '';
}

/** The source of a received message. */
export function sourceOf(socket: SipSocket, address = '192.0.2.1', port = 5060, flow?: Flow): Source {
  return { socket, address, port, flow };
}

/** Errors that the code under test logged, for tests that expect none. */
export function recordingLogger(): { log: Logger; errors: unknown[] } {
  const errors: unknown[] = [];
  const ignore = () => {};
  const log = {
    level: 'warn',
    trace: ignore,
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: (details: unknown) => errors.push(details),
    fatal: (details: unknown) => errors.push(details),
    child: () => log,
    isLevelEnabled: () => false,
  };
  return { log: log as unknown as Logger, errors };
}

/** Tokens from a counter: all different and reproducible. */
export function countingRandom(): Random {
  let n = 0;
  return { uint32: () => n++ >>> 0, token: (bytes) => (n++).toString(16).padStart(bytes * 2, '0') };
}

export const tallies = (): LayerCounters => newCounters().layer;

export const TIMERS: TransactionConfig = {
  t1: 500,
  t2: 4000,
  t4: 5000,
  frTimeout: 5000,
  frInvTimeout: 120_000,
  maxTransactions: 1000,
  strictReplySource: false,
};

/** Calls that a recording user received, in order. */
export type Recorded =
  | { readonly kind: 'request' | 'ack'; readonly message: SipMessage; readonly source: Source }
  | { readonly kind: 'stray'; readonly message: SipMessage; readonly source: Source }
  | { readonly kind: 'cancel'; readonly server: InviteServer | undefined }
  | { readonly kind: 'success'; readonly reply: SipMessage; readonly pass: (text: string) => void };

/** A transaction layer with recorders as sockets and a clock that the test advances. */
export function layerFixture(config: Partial<TransactionConfig> = {}, bounds: AdmissionBounds = {}) {
  const clock = new FakeClock();
  const { log, errors } = recordingLogger();
  const counters = tallies();
  const admission = new Admission(counters, bounds);
  const layer = new TransactionLayer({ ...TIMERS, ...config }, clock, countingRandom(), counters, log, admission);
  const recorded: Recorded[] = [];
  const user: TransactionUser = {
    onRequest: (message, source) => recorded.push({ kind: 'request', message, source }),
    onAck: (message, source) => recorded.push({ kind: 'ack', message, source }),
    onCancel: (server) => recorded.push({ kind: 'cancel', server }),
    onFurtherSuccess: (reply, pass) => recorded.push({ kind: 'success', reply, pass }),
    onStrayReply: (message, source) => recorded.push({ kind: 'stray', message, source }),
  };
  layer.attach(user);
  return {
    clock,
    layer,
    user,
    recorded,
    errors,
    counters,
    udp: new RecordingSocket(clock),
    tcp: new RecordingSocket(clock, 'tcp'),
  };
}

/** Parts of a request that tests change. */
export interface RequestParts {
  readonly method?: string;
  readonly uri?: string;
  readonly branch?: string;
  /** Complete top Via value; `branch` is ignored then. */
  readonly via?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly fromTag?: string;
  readonly toTag?: string;
  /** Max-Forwards value; null leaves the header out. */
  readonly maxForwards?: string | null;
  /** Complete further lines with CRLF. */
  readonly headers?: string;
  readonly body?: string;
}

/** The text of a valid request. */
export function requestText(parts: RequestParts = {}): string {
  const method = parts.method ?? 'INVITE';
  const via = parts.via ?? `SIP/2.0/UDP 192.0.2.1:5060;branch=${parts.branch ?? 'z9hG4bKcaller1'}`;
  const body = parts.body ?? '';
  const hops = parts.maxForwards === undefined ? '70' : parts.maxForwards;
  return (
    `${method} ${parts.uri ?? 'sip:bob@example.com'} SIP/2.0\r\n` +
    `Via: ${via}\r\n` +
    (hops === null ? '' : `Max-Forwards: ${hops}\r\n`) +
    `From: "Alice" <sip:alice@example.org>;tag=${parts.fromTag ?? 'a1'}\r\n` +
    `To: <sip:bob@example.com>${parts.toTag === undefined ? '' : `;tag=${parts.toTag}`}\r\n` +
    `Call-ID: ${parts.callId ?? 'call-1@example.org'}\r\n` +
    `CSeq: ${parts.cseq ?? 1} ${method}\r\n` +
    `${parts.headers ?? ''}Content-Length: ${body.length}\r\n\r\n${body}`
  );
}

/** A reply as the receiver of a request makes it. */
export function replyTo(request: string, status: number, toTag = 'b1', headers = ''): string {
  const message = parsed(request);
  const vias = [...message.fields('via')].map((field) => `${request.slice(field.line, field.end)}\r\n`).join('');
  const to = message.toTag === '' && status > 100 ? `${message.to};tag=${toTag}` : message.to;
  return (
    `SIP/2.0 ${status} Reason\r\n${vias}From: ${message.from}\r\nTo: ${to}\r\nCall-ID: ${message.callId}\r\n` +
    `CSeq: ${message.cseqNumber} ${message.method}\r\n${headers}Content-Length: 0\r\n\r\n`
  );
}

/** Text whose Record-Route or Route values have no dialog token. */
export function withoutToken(text: string): string {
  return text.replace(/;dt=[\w-]{28}(?=[>;])/g, '');
}
