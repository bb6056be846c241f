import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { SharedConnection } from '../core/connection-shares.js';

/**
 * An HTTP client's connection, as the limit of connections counts it. It is idle, and may be closed for another one,
 * while it waits for the client: between two requests, until a request is complete, and while the client does not read
 * the answer.
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

  /** The header of a request was received. */
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
