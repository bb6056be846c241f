import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { SharedConnection } from '../core/connection-shares.js';

/**
 * A client's connection as its share of the listener is weighed: it waits for its client between two requests, while a
 * request is not whole, and while an answer is not taken.
 */
export class HttpConnection implements SharedConnection {
  readonly source: string;
  private waitsSince: number;
  private working = false;

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

  /** The head of a request has come. */
  began(request: IncomingMessage, response: ServerResponse): void {
    const { headers } = request;
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    if (!hasBody) this.working = true;
    else request.once('end', () => (this.working = true));
    response.once('close', () => {
      this.working = false;
      this.waitsSince = this.now();
    });
  }
}
