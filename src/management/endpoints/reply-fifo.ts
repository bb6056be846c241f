import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Clock } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';

/** Options for answers to clients' FIFOs. */
export interface ReplyFifoOptions {
  /** Folder of the reply FIFOs, with trailing "/". */
  readonly directory: string;
  readonly clock: Clock;
  /** Milliseconds in which a client must open its reply FIFO. Default 1000. */
  readonly openTimeout?: number;
  /** Milliseconds a client may read nothing. Default 5000. */
  readonly stallTimeout?: number;
  /** Maximum number of answers waiting for all clients. Default 1024. */
  readonly maxPending?: number;
  /**
   * Maximum number of answers waiting for one client, so that one that does not read leaves room for others. Default
   * 16.
   */
  readonly maxPendingEach?: number;
  /** Maximum bytes of waiting answers. Default 128 MiB. */
  readonly maxPendingBytes?: number;
  /** Called with a one-line message when an answer was given up. */
  onLost(reason: string, message: string): void;
}

const OPEN_RETRY_MS = 20;
const STALL_CHECK_MS = 250;
/** Bytes written at a time; a reader that takes fewer within the stall timeout is given up. */
const PIECE = 16 * 1024;

/**
 * Writes answers to the FIFOs that clients have created. No client delays anything: opening fails at once without a
 * reader and is retried for a while, writing continues as the reader reads, and what takes too long is given up.
 * Answers to the same FIFO are written one after the other, in the order of their commands.
 */
export class ReplyFifos {
  private readonly chains = new Map<string, { last: Promise<void>; length: number }>();
  private readonly sockets = new Set<Socket>();
  private pending = 0;
  private pendingBytes = 0;
  private stopped = false;

  constructor(private readonly options: ReplyFifoOptions) {}

  /**
   * Queues an answer for the reply FIFO with this plain name. Resolves when it was written or given up; never rejects.
   */
  send(name: string, pieces: readonly string[]): Promise<void> {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const { maxPending = 1024, maxPendingEach = 16, maxPendingBytes = 128 * 1024 * 1024 } = this.options;
    if (this.stopped) return Promise.resolve();
    const chain = this.chains.get(name) ?? { last: Promise.resolve(), length: 0 };
    const full = this.pending >= maxPending || this.pendingBytes + length > maxPendingBytes;
    if (full || chain.length >= maxPendingEach) {
      this.options.onLost('reply-queue', `an answer to ${name} is dropped: too many wait for their readers`);
      return Promise.resolve();
    }
    this.pending++;
    this.pendingBytes += length;
    chain.length++;
    this.chains.set(name, chain);
    chain.last = chain.last
      .then(() => this.write(name, pieces))
      .catch((error: unknown) => {
        this.options.onLost('reply-fifo', `an answer to ${name} is dropped: ${messageOf(error)}`);
      })
      .finally(() => {
        this.pending--;
        this.pendingBytes -= length;
        if (--chain.length === 0) this.chains.delete(name);
      });
    return chain.last;
  }

  /** Gives up all waiting answers. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const socket of this.sockets) socket.destroy(new Error('the server stops'));
    await Promise.all([...this.chains.values()].map((chain) => chain.last));
  }

  private async write(name: string, pieces: readonly string[]): Promise<void> {
    const fd = await this.open(name);
    const socket = new Socket({ fd, readable: false, writable: true });
    // Between two writes, an error is noticed by the next write.
    socket.on('error', () => {});
    this.sockets.add(socket);
    try {
      for (const piece of pieces) await this.drain(socket, Buffer.from(piece, 'utf8'));
    } finally {
      this.sockets.delete(socket);
      socket.destroy();
    }
  }

  /** Opens without blocking; ENXIO: there is no reader yet. */
  private async open(name: string): Promise<number> {
    const { directory, clock, openTimeout = 1000 } = this.options;
    const path = directory + name;
    const deadline = clock.monotonic() + openTimeout;
    for (;;) {
      try {
        return openFifo(path);
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code !== 'ENXIO' || clock.monotonic() >= deadline || this.stopped) {
          if (code === 'ENXIO') throw new Error(`nobody opened it for reading within ${openTimeout} ms`);
          throw error;
        }
      }
      await new Promise<void>((resolve) => clock.schedule(OPEN_RETRY_MS, resolve));
    }
  }

  /** Writes one piece as the reader takes it. */
  private drain(socket: Socket, bytes: Buffer): Promise<void> {
    const { clock, stallTimeout = 5000 } = this.options;
    return new Promise((resolve, reject) => {
      let offset = 0;
      let lastProgress = clock.monotonic();
      let cancel = () => {};
      const end = (error?: Error): void => {
        cancel();
        socket.off('error', end);
        if (error === undefined) resolve();
        else reject(error);
      };
      const watch = (): void => {
        cancel = clock.schedule(STALL_CHECK_MS, () => {
          if (clock.monotonic() - lastProgress >= stallTimeout) {
            socket.destroy(new Error(`its reader read nothing for ${stallTimeout} ms`));
          } else watch();
        });
      };
      const next = (): void => {
        lastProgress = clock.monotonic();
        if (offset >= bytes.length) {
          end();
          return;
        }
        const piece = bytes.subarray(offset, offset + PIECE);
        offset += piece.length;
        socket.write(piece, (error) => {
          if (error == null) next();
        });
      };
      socket.on('error', end);
      watch();
      next();
    });
  }
}

/**
 * Opens only a FIFO, and follows no symbolic link: whoever can write to the folder cannot make us write to another
 * file.
 */
function openFifo(path: string): number {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new Error('it does not exist');
  if (!found.isFIFO()) throw new Error('it is not a FIFO');
  const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw new Error('it is not a FIFO');
}
