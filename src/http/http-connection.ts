import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { SharedConnection } from '../core/connection-shares.js';

/** Maximum number of requests of a connection that wait for their answers. */
export const MAX_PIPELINED = 32;

/**
 * An HTTP client's connection, as the limit of connections counts it. It is idle, and may be closed for another one,
 * while it waits for the client: between two requests, until a request is complete, and while the client does not read
 * the answer.
 */
export class HttpConnection implements SharedConnection {
  readonly source: string;
  private waitsSince: number;
  private working = false;
  /** Requests without a complete answer. */
  private unanswered = 0;

  constructor(
    private readonly socket: Socket,
    private readonly now: () => number,
  ) {
    this.source = socket.remoteAddress ?? '';
    this.waitsSince = now();
  }

  get idleSince(): number | undefined {
    return this.working && !this.socket.writableNeedDrain ? undefined : this.waitsSince;
  }

  evict(): void {
    this.socket.destroy();
  }

  /**
   * The header of a request was received. False: the connection is closed, since it has too many requests without an
   * answer. Node hands over all requests of one read at once, so a thousand of them would delay all other work.
   */
  began(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.unanswered >= MAX_PIPELINED || this.socket.destroyed) {
      this.socket.destroy();
      return false;
    }
    const { headers } = request;
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    if (!hasBody) this.working = true;
    else request.once('end', () => (this.working = true));
    this.unanswered++;
    response.once('close', () => {
      this.unanswered--;
      this.working = false;
      this.waitsSince = this.now();
    });
    return true;
  }
}
