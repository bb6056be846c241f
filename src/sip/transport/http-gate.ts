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
  /** Answers the request; false when it was answered before. */
  reply(status: number, reason: string, type: string, body: string): boolean;
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
