import type { Socket } from 'node:net';
import { trimmed } from '../../core/characters.js';
import type { Flow, SipSocket } from './transport.js';

/** An HTTP request at a port for WebSockets. */
export interface HttpExchange {
  readonly method: string;
  readonly url: string;
  /** Header lines, each with its line break. */
  readonly head: string;
  readonly body: string;
  /** The socket it came by, and its sender. */
  readonly socket: SipSocket;
  readonly address: string;
  readonly port: number;
  /** Answers the request; false when it was answered before. `lines`: further header lines, each with its line break. */
  reply(status: number, reason: string, type: string, body: string, lines?: string): boolean;
  /** Accepts the WebSocket handshake; false when the request is none, or was answered before. */
  upgrade(): boolean;
}

/** Handles HTTP requests, and learns of each WebSocket that closes. */
export interface HttpGate {
  /**
   * Handles a request. If it is not answered when this returns, or when its promise resolves, it gets 404. Never
   * rejects.
   */
  request(exchange: HttpExchange): unknown;
  /** `flow`: the connection, which is closed. */
  closed(socket: SipSocket, address: string, port: number, flow: Flow): void;
}

/** Longest body that is read; a longer one is refused with 413. */
export const MAX_HTTP_BODY = 64 * 1024;

/**
 * Header lines as fields by name; names that differ in case only are one field. Lines that are no fields are left out,
 * and so are those that node writes by the body and the connection, and Trailer, which node refuses for such a body.
 */
export function fieldsOf(lines: string): Record<string, string[]> {
  const fields = new Map<string, readonly [name: string, values: string[]]>();
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0));
    const value = trimmed(line.slice(colon + 1));
    if (
      !/^[\w!#$%&'*+.^`|~-]+$/.test(name) ||
      /^(?:content-length|content-type|connection|trailer|transfer-encoding)$/i.test(name)
    )
      continue;
    const known = fields.get(name.toLowerCase());
    if (known === undefined) fields.set(name.toLowerCase(), [name, [plain(value)]]);
    else known[1].push(plain(value));
  }
  return Object.fromEntries(fields.values());
}

/** Removes characters that must not be in a line of HTTP. */
export function plain(text: string): string {
  return text.replace(/[^\t\x20-\x7e\x80-\xff]/g, ' ').slice(0, 1024);
}

/** Maximum number of requests that a peer may send without waiting for the answer to the first one. */
const MAX_PIPELINED = 32;

/**
 * Finds the first request of each connection: its answer ends the connection. Node hands over all requests of one read
 * at once, so a thousand of them would run a script as often and delay calls.
 */
export class FirstRequests {
  private readonly counts = new WeakMap<Socket, number>();

  /** Whether a request is the first of its connection. The others are ignored; with too many it is closed. */
  takes(connection: Socket): boolean {
    const count = (this.counts.get(connection) ?? 0) + 1;
    this.counts.set(connection, count);
    if (count > MAX_PIPELINED) connection.destroy();
    return count === 1;
  }
}
