import type { SipSocket } from './transport.js';

/** A request of HTTP at a port where WebSockets come in. */
export interface HttpExchange {
  readonly method: string;
  readonly url: string;
  /** Header lines, each with its end. */
  readonly head: string;
  readonly body: string;
  /** The TCP or TLS socket that it came by, and who sent it. */
  readonly socket: SipSocket;
  readonly address: string;
  readonly port: number;
  /** Answers it; false when that was done before. */
  reply(status: number, reason: string, type: string, body: string): boolean;
  /** Makes a WebSocket of its connection; false where it does not ask for one, or was answered before. */
  upgrade(): boolean;
}

/** Answers requests of HTTP, and is called for each WebSocket that has closed. */
export interface HttpGate {
  /** What is not answered when this returns, or its promise resolves, gets 404. Never rejects. */
  request(exchange: HttpExchange): unknown;
  closed(socket: SipSocket, address: string, port: number): void;
}

/** Characters of a body that are read; a longer one is refused with 413. */
export const MOST_HTTP_BODY = 64 * 1024;
