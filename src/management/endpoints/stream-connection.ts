import type { Socket } from 'node:net';
import type { Caller } from '../../access/caller.js';
import type { Clock } from '../../core/clock.js';
import type { SharedConnection } from '../../core/connection-shares.js';
import { HeldBytes } from '../../core/held-bytes.js';
import type { StreamProtocol } from './protocol.js';

/** Timeouts of a connection in milliseconds. */
export interface ConnectionLimits {
  /** In which an incomplete request must be completed. Default 10 s. */
  readonly packetTimeout?: number | undefined;
  /** For which a client may read nothing of an answer. Default 10 s. */
  readonly stallTimeout?: number | undefined;
  /** After which a connection without requests is closed. Default 10 minutes. */
  readonly idleTimeout?: number | undefined;
  /** In which the first request must begin. Default 30 s. */
  readonly firstTimeout?: number | undefined;
}

/** Options of a client's connection. */
export interface ConnectionOptions extends ConnectionLimits {
  readonly protocol: StreamProtocol;
  readonly caller: Caller;
  readonly clock: Clock;
}

/** Bytes written at a time; a client that takes fewer within the stall timeout is disconnected. */
const PIECE = 64 * 1024;

/**
 * A client on a stream. Requests are answered one after the other, and nothing is read meanwhile, so a client that
 * sends much and reads little delays only itself.
 */
export class CommandConnection implements SharedConnection {
  readonly source: string;
  idleSince: number | undefined;
  private readonly held = new HeldBytes();
  private cancelTimeout = () => {};
  private working = false;
  private ended = false;
  /** Whether a part of a request has been received. */
  private half = false;

  constructor(
    private readonly socket: Socket,
    private readonly options: ConnectionOptions,
    closed: () => void,
  ) {
    this.source = options.caller.peer;
    socket.on('data', (chunk: Buffer) => {
      this.held.add(chunk);
      void this.work();
    });
    socket.on('end', () => {
      this.ended = true;
      void this.work();
    });
    // A client may disconnect at any time; 'close' follows.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.cancelTimeout();
      closed();
    });
    this.wait('first');
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.socket.destroy();
  }

  /** Closes the connection to make room for another client. */
  evict(): void {
    this.options.protocol.refuse('busy', 'an idle connection is closed to make room for another');
    this.destroy();
  }

  /** Answers the requests received so far, then waits for more. */
  private async work(): Promise<void> {
    if (this.working) return;
    const { protocol, caller } = this.options;
    let answering = protocol.answer(this.held.bytes, caller);
    if (answering === undefined && !this.ended) {
      // The timeout for a request does not restart with each of its bytes.
      if (!this.half) this.wait('half');
      return;
    }
    this.working = true;
    this.idleSince = undefined;
    this.cancelTimeout();
    this.socket.pause();
    try {
      while (answering !== undefined && !this.socket.destroyed) {
        const answer = await answering;
        this.held.drop(answer.used);
        await this.write(answer.bytes);
        if (answer.close) this.ended = true;
        if (answer.close) break;
        answering = this.held.length === 0 ? undefined : protocol.answer(this.held.bytes, caller);
      }
    } catch {
      this.socket.destroy();
    }
    this.working = false;
    if (this.socket.destroyed) return;
    if (this.ended) {
      this.socket.end();
      // What the client still sends is ignored, since it may never close.
      this.cancelTimeout = this.options.clock.schedule(1000, () => this.socket.destroy());
      this.socket.resume();
      return;
    }
    this.wait(this.held.length > 0 ? 'half' : 'again');
    this.socket.resume();
  }

  /** Waits for the first request, for the rest of one, or for another one. */
  private wait(what: 'first' | 'half' | 'again'): void {
    const { clock, protocol } = this.options;
    const { packetTimeout = 10_000, idleTimeout = 600_000, firstTimeout = 30_000 } = this.options;
    this.half = what === 'half';
    this.idleSince ??= clock.monotonic();
    this.cancelTimeout();
    const times = { first: Math.min(idleTimeout, firstTimeout), half: packetTimeout, again: idleTimeout };
    this.cancelTimeout = clock.schedule(times[what], () => {
      if (this.half) protocol.refuse('half', `a request was not completed within ${packetTimeout} ms`);
      this.socket.destroy();
    });
  }

  /** Writes as the client reads. Rejects when it does not read, or has disconnected. */
  private write(bytes: Buffer): Promise<void> {
    const { socket } = this;
    const { clock, protocol, stallTimeout = 10_000 } = this.options;
    return new Promise((resolve, reject) => {
      let offset = 0;
      let cancel = () => {};
      const gone = (): void => {
        cancel();
        reject(new Error('the client closed the connection'));
      };
      const next = (): void => {
        cancel();
        if (offset >= bytes.length) {
          socket.off('close', gone);
          resolve();
          return;
        }
        cancel = clock.schedule(stallTimeout, () => {
          protocol.refuse('slow-reader', `an answer is dropped: its reader read nothing for ${stallTimeout} ms`);
          socket.destroy();
        });
        const piece = bytes.subarray(offset, offset + PIECE);
        offset += piece.length;
        socket.write(piece, (error) => {
          if (error == null) next();
        });
      };
      if (socket.destroyed) {
        gone();
        return;
      }
      socket.once('close', gone);
      next();
    });
  }
}
