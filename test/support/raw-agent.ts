import { createSocket, type Socket } from 'node:dgram';
import { freePort } from './ports.js';

/** A received message with the parts that tests use. */
export interface RawMessage {
  readonly text: string;
  /** "INVITE", or the status as text. */
  readonly start: string;
  readonly port: number;
  readonly address: string;
}

/** Header fields of a message by name, in order; compact forms are not recognised. */
export function headersOf(text: string, name: string): string[] {
  const wanted = `${name.toLowerCase()}:`;
  return text
    .slice(0, text.indexOf('\r\n\r\n'))
    .split('\r\n')
    .filter((line) => line.toLowerCase().startsWith(wanted))
    .map((line) => line.slice(wanted.length).trim());
}

export function bodyOf(text: string): string {
  return text.slice(text.indexOf('\r\n\r\n') + 4);
}

/** A SIP endpoint over plain UDP that sends exactly what the test says. */
export class RawAgent {
  readonly received: RawMessage[] = [];
  private readonly waiting: { readonly start: string; readonly take: (message: RawMessage) => void }[] = [];
  private number = 0;

  private constructor(
    private readonly socket: Socket,
    readonly address: string,
    readonly port: number,
  ) {
    socket.on('message', (data, { port: from, address: host }) => {
      const text = data.toString('latin1');
      const first = text.slice(0, text.indexOf('\r\n'));
      const start = first.startsWith('SIP/2.0 ') ? first.slice(8, 11) : first.slice(0, first.indexOf(' '));
      const message = { text, start, port: from, address: host };
      const at = this.waiting.findIndex((each) => each.start === start);
      if (at >= 0) this.waiting.splice(at, 1)[0]?.take(message);
      else this.received.push(message);
    });
  }

  static async open(address: string): Promise<RawAgent> {
    const port = await freePort(address);
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, address, resolve);
    });
    return new RawAgent(socket, address, port);
  }

  get uri(): string {
    return `sip:${this.address}:${this.port}`;
  }

  send(text: string, port: number, address = '127.0.0.1'): void {
    this.socket.send(Buffer.from(text, 'latin1'), port, address);
  }

  /** The next message with that method or status; rejects when none comes in time. */
  next(start: string, ms = 3000): Promise<RawMessage> {
    const at = this.received.findIndex((each) => each.start === start);
    if (at >= 0) return Promise.resolve(this.received.splice(at, 1)[0] as RawMessage);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const got = this.received.map((each) => each.start).join(' ') || 'nothing';
        reject(new Error(`no ${start} within ${ms} ms, but ${got}`));
      }, ms);
      this.waiting.push({
        start,
        take: (message) => {
          clearTimeout(timer);
          resolve(message);
        },
      });
    });
  }

  /** The next message of a call with that method or status; others of that kind are left out, but given to `other`. */
  async nextOf(callId: string, start: string, other: (message: RawMessage) => void = () => {}): Promise<RawMessage> {
    for (;;) {
      const message = await this.next(start);
      if (headersOf(message.text, 'call-id')[0] === callId) return message;
      other(message);
    }
  }

  /** A request of this agent; `more`: further header lines with line ends. */
  request(
    method: string,
    uri: string,
    options: {
      readonly callId: string;
      readonly cseq?: number;
      readonly from?: string;
      readonly to?: string;
      readonly more?: string;
      readonly body?: string;
      readonly branch?: string;
    },
  ): string {
    const { callId, cseq = 1, more = '', body = '' } = options;
    const branch = options.branch ?? `${callId.replace(/\W/g, '')}x${++this.number}`;
    return [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${this.address}:${this.port};branch=z9hG4bK${branch}`,
      'Max-Forwards: 70',
      `From: ${options.from ?? '<sip:alice@a.example>;tag=ft'}`,
      `To: ${options.to ?? '<sip:bob@b.example>'}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq} ${method}`,
      `Contact: <sip:alice@${this.address}:${this.port}>`,
      `${more}${body === '' ? '' : 'Content-Type: application/sdp\r\n'}Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n');
  }

  /** Replies to the source of a request. */
  answer(
    request: RawMessage,
    status: number,
    reason: string,
    options: { tag?: string; more?: string; body?: string } = {},
  ): void {
    const { tag = 'tt', more = '', body = '' } = options;
    const lines = request.text
      .slice(0, request.text.indexOf('\r\n\r\n'))
      .split('\r\n')
      .slice(1)
      .filter((line) => /^(?:Via|From|To|Call-ID|CSeq|Record-Route):/i.test(line))
      .map((line) => (/^To:/i.test(line) && !line.includes(';tag=') ? `${line};tag=${tag}` : line));
    const text = [
      `SIP/2.0 ${status} ${reason}`,
      ...lines,
      `Contact: <sip:bob@${this.address}:${this.port}>`,
      `${more}${body === '' ? '' : 'Content-Type: application/sdp\r\n'}Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n');
    this.send(text, request.port, request.address);
  }

  close(): void {
    this.socket.close();
  }
}

/** The caller's Route lines from the Record-Route of a reply. */
export function routeLines(answer: string): string {
  return headersOf(answer, 'record-route')
    .reverse()
    .map((each) => `Route: ${each}\r\n`)
    .join('');
}
