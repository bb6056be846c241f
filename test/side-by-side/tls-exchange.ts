import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { pem, type TestAuthority } from '../support/certificates.js';
import { headersOf } from '../support/raw-agent.js';
import { holds, type Lane } from '../support/side-by-side.js';
import { plain } from './plain.js';

const SDP = 'v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 6000 RTP/SAVP 0\r\n';

/** Removes the first message from a stream; undefined while it is incomplete. */
function firstOf(stream: string): readonly [message: string, rest: string] | undefined {
  const start = stream.search(/[^\r\n]/);
  const end = stream.indexOf('\r\n\r\n', start);
  if (start < 0 || end < 0) return undefined;
  const size = Number(/^Content-Length: *(\d+)/im.exec(stream.slice(start, end))?.[1] ?? 0);
  const whole = end + 4 + size;
  return stream.length < whole ? undefined : [stream.slice(start, whole), stream.slice(whole)];
}

/** An exchange that is called over TLS, answers by the end of the number, and calls over its own connections. */
export class TlsExchange {
  readonly received: string[] = [];
  /** Where it records what it receives. */
  lane: Lane | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  /** `name`: a parameter of its Contact. */
  static async open(authority: TestAuthority, name: string): Promise<TlsExchange> {
    const { key, cert } = pem(authority.issue('exchange', ['IP:127.0.0.1']));
    const exchange: TlsExchange = new TlsExchange(
      createServer({ key, cert }, (socket) => exchange.serve(socket, name)),
    );
    await new Promise<void>((resolve) => exchange.server.listen(0, '127.0.0.1', resolve));
    return exchange;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** A connection from the exchange to a proxy. */
  async caller(port: number): Promise<TlsCaller> {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    this.sockets.add(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    return new TlsCaller(socket);
  }

  close(): void {
    for (const each of this.sockets) each.destroy();
    this.server.close();
  }

  private serve(socket: TLSSocket, name: string): void {
    this.sockets.add(socket);
    socket.on('error', () => socket.destroy());
    let stream = '';
    socket.on('data', (data: Buffer) => {
      stream += data.toString('latin1');
      for (let first = firstOf(stream); first !== undefined; first = firstOf(stream)) {
        stream = first[1];
        this.answer(socket, first[0], name);
      }
    });
  }

  private answer(socket: TLSSocket, text: string, name: string): void {
    const [method = '', uri = ''] = text.split(' ');
    const callId = headersOf(text, 'call-id')[0] ?? '';
    this.received.push(text);
    this.lane?.note(callId, plain(text));
    if (method === 'ACK' || method.startsWith('SIP/2.0')) return;
    const reply = (status: string, body = ''): void => {
      const lines = text
        .slice(0, text.indexOf('\r\n\r\n'))
        .split('\r\n')
        .filter((line) => /^(?:Via|From|To|Call-ID|CSeq|Record-Route):/i.test(line))
        .map((line) => (/^To:/i.test(line) && !line.includes(';tag=') ? `${line};tag=gw9` : line));
      const type = body === '' ? '' : 'Content-Type: application/sdp\r\n';
      socket.write(
        `SIP/2.0 ${status}\r\n${lines.join('\r\n')}\r\nContact: <sip:127.0.0.1:${this.port};transport=tls;${name}>\r\nX-MS-Trace: 1\r\n${type}Content-Length: ${body.length}\r\n\r\n${body}`,
      );
    };
    if (method !== 'INVITE' || /^To:.*;tag=/m.test(text)) reply('200 OK');
    else if (/busy@/.test(uri)) reply('486 Busy Here');
    else if (/404@/.test(uri)) reply('404 Not Found');
    else if (/503@/.test(uri)) reply('503 Service Unavailable');
    else {
      reply('180 Ringing');
      reply('200 OK', SDP);
    }
  }
}

/** A connection for sending requests and reading their replies. */
export class TlsCaller {
  private stream = '';
  readonly received: string[] = [];

  constructor(readonly socket: TLSSocket) {
    socket.on('error', () => socket.destroy());
    socket.on('data', (data: Buffer) => {
      this.stream += data.toString('latin1');
      for (let first = firstOf(this.stream); first !== undefined; first = firstOf(this.stream)) {
        this.stream = first[1];
        this.received.push(first[0]);
      }
    });
  }

  /** The final reply to a request. */
  async ask(text: string): Promise<string> {
    const cseq = headersOf(text, 'cseq')[0] ?? '';
    this.socket.write(text, 'latin1');
    const found = () =>
      this.received.find((each) => /^SIP\/2\.0 [2-6]/.test(each) && headersOf(each, 'cseq')[0] === cseq);
    if (!(await holds(() => found() !== undefined))) throw new Error(`no reply to ${cseq}`);
    return found() as string;
  }
}
