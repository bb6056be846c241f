import type { Socket } from 'node:net';
import type { Clock } from '../../../core/clock.js';
import { readPacket } from '../../rpc/binrpc-decode.js';
import type { RpcCall } from '../../rpc/command.js';
import type { RpcService } from '../../rpc/service.js';

/** Milliseconds. */
export interface ConnectionLimits {
  /** A packet that was begun has to be whole by then. Default 10 s. */
  readonly packetTimeout?: number | undefined;
  /** A client that takes nothing of its answer for so long is given up. Default 10 s. */
  readonly stallTimeout?: number | undefined;
  /** A connection on which nothing is asked is closed. Default 10 minutes. */
  readonly idleTimeout?: number | undefined;
}

export interface ConnectionOptions extends ConnectionLimits {
  readonly service: RpcService;
  readonly call: RpcCall;
  readonly clock: Clock;
}

/** Bytes given to the kernel at once; a client that takes fewer within the stall time-out is given up. */
const PIECE = 64 * 1024;

/**
 * One client on a stream: packets are answered one after the other, and nothing more is read while one is, so that a client
 * that asks much and reads little holds up itself only.
 */
export class CtlConnection {
  private held: Buffer = Buffer.alloc(0);
  private cancelTimeout = () => {};
  private working = false;
  private ended = false;

  constructor(
    private readonly socket: Socket,
    private readonly options: ConnectionOptions,
    closed: () => void,
  ) {
    socket.on('data', (chunk: Buffer) => {
      this.held = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
      void this.work();
    });
    socket.on('end', () => {
      this.ended = true;
      void this.work();
    });
    // A client that is gone is no fault of ours; 'close' follows.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.cancelTimeout();
      closed();
    });
    this.wait();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Answers the packets that are there, then waits for more. */
  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    this.cancelTimeout();
    this.socket.pause();
    try {
      while (this.held.length > 0 && !this.socket.destroyed) {
        const packet = readPacket(this.held);
        if (packet.kind === 'more') break;
        const answer = await this.options.service.answerPacket(packet, this.options.call);
        this.held = packet.kind === 'packet' ? this.held.subarray(packet.size) : Buffer.alloc(0);
        await this.write(answer.bytes);
        if (answer.close) this.ended = true;
        if (answer.close) break;
      }
    } catch {
      this.socket.destroy();
    }
    this.working = false;
    if (this.socket.destroyed) return;
    if (this.ended) {
      this.socket.end();
      // What the client still sends is of no interest, and it may never close.
      this.cancelTimeout = this.options.clock.schedule(1000, () => this.socket.destroy());
      this.socket.resume();
      return;
    }
    this.wait();
    this.socket.resume();
  }

  private wait(): void {
    const { clock, service, call, packetTimeout = 10_000, idleTimeout = 600_000 } = this.options;
    const half = this.held.length > 0;
    this.cancelTimeout();
    this.cancelTimeout = clock.schedule(half ? packetTimeout : idleTimeout, () => {
      if (half) service.refuse(call.door, 'half', `a packet was not completed within ${packetTimeout} ms`);
      this.socket.destroy();
    });
  }

  /** Writes as the client reads. Rejects when it does not, or is gone. */
  private write(bytes: Buffer): Promise<void> {
    const { socket } = this;
    const { clock, service, call, stallTimeout = 10_000 } = this.options;
    return new Promise((resolve, reject) => {
      let offset = 0;
      let cancel = () => {};
      const gone = (): void => {
        cancel();
        reject(new Error('the client is gone'));
      };
      const next = (): void => {
        cancel();
        if (offset >= bytes.length) {
          socket.off('close', gone);
          resolve();
          return;
        }
        cancel = clock.schedule(stallTimeout, () => {
          service.refuse(
            call.door,
            'slow-reader',
            `an answer is given up: its reader took nothing for ${stallTimeout} ms`,
          );
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
