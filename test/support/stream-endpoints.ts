import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { SipMessage } from '../../src/sip/message.js';
import { StreamFraming } from '../../src/sip/transport/stream-framing.js';
import { parsed, replyTo, requestText } from './sip-recorder.js';
import type { StreamPeer } from './stream-peer.js';
import { until } from './until.js';

/** A gateway that answers over TCP or TLS: 200 to everything, or the configured status. */
export class StreamGateway {
  readonly requests: SipMessage[] = [];
  readonly replies: SipMessage[] = [];
  /** Connections accepted, TLS handshakes done. */
  readonly sockets: Socket[] = [];
  status = 200;
  /** False: requests are recorded and not answered. */
  answers = true;

  private constructor(
    private readonly server: Server,
    private readonly transport: 'tcp' | 'tls',
  ) {
    server.on(transport === 'tls' ? 'secureConnection' : 'connection', (socket: Socket) => this.serve(socket));
  }

  /** With `tls`, over TLS. Any free port of 127.0.0.1. */
  static async open(tls?: TlsOptions): Promise<StreamGateway> {
    const server = tls === undefined ? createServer() : createTlsServer(tls);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    server.on('tlsClientError', () => {});
    return new StreamGateway(server, tls === undefined ? 'tcp' : 'tls');
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  /** Its URI for a destination table, with a host name or its address. */
  uri(host = '127.0.0.1'): string {
    return `sip:${host}:${this.port};transport=${this.transport}`;
  }

  /** Server names in the handshakes of clients. */
  get serverNames(): unknown[] {
    return this.sockets.map((socket) => (socket as TLSSocket & { servername?: unknown }).servername);
  }

  async request(method: string): Promise<SipMessage> {
    const found = () => this.requests.find((each) => each.method === method);
    await until(`${method} at the gateway`, () => found() !== undefined);
    return found() as SipMessage;
  }

  count(method: string): number {
    return this.requests.filter((each) => each.method === method).length;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private serve(socket: Socket): void {
    this.sockets.push(socket);
    const framing = new StreamFraming();
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const event of framing.push(data.toString('latin1'))) {
        if (event.kind !== 'message') continue;
        const request = parsed(event.text);
        if (!request.isRequest) {
          this.replies.push(request);
          continue;
        }
        this.requests.push(request);
        if (request.method === 'ACK' || !this.answers) continue;
        socket.write(replyTo(event.text, this.status, 'gw', dialogHeaders(request, this.uri())), 'latin1');
      }
    });
  }
}

/** Record-Route as received, and a Contact: the header fields with which a reply establishes a dialog. */
export function dialogHeaders(request: SipMessage, contact: string): string {
  const routes = [...request.fields('record-route')].map((field) => request.text.slice(field.line, field.end));
  return `${routes.map((route) => `${route}\r\n`).join('')}Contact: <${contact}>\r\n`;
}

/** A caller's route set from a reply: the recorded routes in reverse order. */
export function routeSet(reply: SipMessage): string {
  const values = [...reply.fields('record-route')].flatMap((field) =>
    reply.text.slice(field.value, field.end).split(','),
  );
  return values
    .reverse()
    .map((value) => `Route: ${value.trim()}\r\n`)
    .join('');
}

let calls = 0;

/** INVITE, 200, ACK and BYE over a connection. Returns the statuses of INVITE and BYE, 0 for none. */
export async function callOver(
  peer: Pick<StreamPeer, 'write' | 'expect'>,
  transport: string,
): Promise<readonly [invite: number, bye: number]> {
  const callId = `call-${process.pid}-${++calls}`;
  const request = (method: string, cseq: number, more: Parameters<typeof requestText>[0] = {}) =>
    requestText({
      method,
      cseq,
      callId,
      via: `SIP/2.0/${transport} caller.invalid;branch=z9hG4bK${callId}${method};rport`,
      headers: `Contact: <sip:caller@caller.invalid;transport=${transport.toLowerCase()}>\r\n`,
      ...more,
    });
  peer.write(request('INVITE', 1));
  const reply = await finalReply(peer);
  if (reply.status >= 300) {
    peer.write(
      request('ACK', 1, {
        toTag: reply.toTag,
        via: `SIP/2.0/${transport} caller.invalid;branch=z9hG4bK${callId}INVITE;rport`,
      }),
    );
    return [reply.status, 0];
  }
  const contact = /^Contact: <([^>]+)>/m.exec(reply.text)?.[1] ?? '';
  const inDialog = { uri: contact, toTag: reply.toTag, headers: routeSet(reply) };
  peer.write(request('ACK', 1, inDialog));
  peer.write(request('BYE', 2, inDialog));
  return [reply.status, (await finalReply(peer)).status];
}

/** The next final reply. */
export async function finalReply(peer: Pick<StreamPeer, 'expect'>): Promise<SipMessage> {
  for (;;) {
    const [text] = await peer.expect(/SIP\/2\.0 [1-6]\d\d [\s\S]*?\r\n\r\n/);
    const reply = parsed(text);
    if (reply.status >= 200) return reply;
  }
}
