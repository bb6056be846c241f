import { execFile } from 'node:child_process';
import { chmodSync, closeSync, constants, fstatSync, lstatSync, openSync, type Stats, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import type { Clock } from '../../core/clock.js';
import { messageOf, SwitchyardError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';

/** Options of a FIFO reader. */
export interface FifoReaderOptions {
  readonly path: string;
  /** File mode, such as 0o660. */
  readonly mode: number;
  /** Its name in messages, such as "MI FIFO". */
  readonly what: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds between two checks that the path still names our FIFO. Default 3000. */
  readonly watchInterval?: number | undefined;
  /** Called with each chunk that was read. */
  readonly onData: (chunk: Buffer) => void;
}

const run = promisify(execFile);

/**
 * Reads a named pipe. It creates the FIFO, or uses one left by an earlier process, and opens it again when somebody has
 * removed or replaced it.
 */
export class FifoReader {
  private socket: Socket | undefined;
  private identity: Stats | undefined;
  private cancelWatch = () => {};
  private stopped = true;

  constructor(private readonly options: FifoReaderOptions) {}

  /** Throws SwitchyardError TRANSPORT_BIND when the FIFO cannot be created or opened. */
  async start(): Promise<void> {
    this.stopped = false;
    await this.open();
    this.watch();
  }

  /** Stops reading. */
  stop(): void {
    this.stopped = true;
    this.cancelWatch();
    this.close();
  }

  /** Removes the FIFO, unless another one has replaced it. */
  remove(): void {
    const { path, logger, what } = this.options;
    if (this.identity !== undefined && sameFile(statOf(path), this.identity)) {
      try {
        unlinkSync(path);
      } catch (error) {
        logger.warn({ fifo: path }, `${what} could not be removed: ${messageOf(error)}`);
      }
    }
    this.identity = undefined;
  }

  /** Stops reading until `resume`. */
  pause(): void {
    this.socket?.pause();
  }

  /** Continues after `pause`. */
  resume(): void {
    if (this.socket?.isPaused()) this.socket.resume();
  }

  /** Creates the FIFO if it does not exist, and opens it for reading. */
  private async open(): Promise<void> {
    const { path, mode, what } = this.options;
    const existing = statOf(path);
    if (existing === undefined) await makeFifo(path, mode, what);
    else if (!existing.isFIFO()) {
      throw new SwitchyardError('TRANSPORT_BIND', `${what} ${path}: the path exists and is not a FIFO`);
    } else this.takeOver();
    let fd: number;
    try {
      // Opened also for writing, so that there is always a writer: then opening does not wait and reading finds no end.
      fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    } catch (error) {
      throw new SwitchyardError('TRANSPORT_BIND', `${what} ${path}: ${messageOf(error)}`, { cause: error });
    }
    const opened = fstatSync(fd);
    if (!opened.isFIFO()) {
      closeSync(fd);
      throw new SwitchyardError('TRANSPORT_BIND', `${what} ${path}: the path exists and is not a FIFO`);
    }
    this.identity = opened;
    const socket = new Socket({ fd, readable: true, writable: false });
    socket.on('data', (chunk: Buffer) => this.options.onData(chunk));
    socket.on('error', (error) => {
      this.options.logger.error({ fifo: path, err: error }, `${what} cannot be read: ${error.message}`);
    });
    socket.on('close', () => {
      if (this.socket === socket) this.socket = undefined;
    });
    this.socket = socket;
  }

  /** Uses a FIFO left by an earlier process, and sets its mode. */
  private takeOver(): void {
    const { path, mode, what, logger } = this.options;
    try {
      chmodSync(path, mode);
      closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW));
      logger.warn({ fifo: path }, `${what} is read by another process too, it may take our commands`);
    } catch (error) {
      // ENXIO: the FIFO has no reader, as expected.
      if ((error as NodeJS.ErrnoException).code === 'ENXIO') return;
      logger.warn({ fifo: path }, `${what} cannot be taken over from an earlier process: ${messageOf(error)}`);
    }
  }

  private close(): void {
    const { socket } = this;
    this.socket = undefined;
    socket?.destroy();
  }

  /** Checks periodically that the path still names our FIFO, since somebody may have removed or replaced it. */
  private watch(): void {
    const { clock, path, what, logger, watchInterval = 3000 } = this.options;
    this.cancelWatch = clock.schedule(watchInterval, () => {
      if (this.socket !== undefined && sameFile(statOf(path), this.identity)) {
        this.watch();
        return;
      }
      logger.warn({ fifo: path }, `${what} was removed or replaced; it is opened again`);
      this.close();
      this.identity = undefined;
      this.open()
        .catch((error: unknown) => {
          logger.error({ fifo: path }, `${what} could not be opened again: ${messageOf(error)}`);
        })
        .finally(() => {
          if (this.stopped) this.close();
          else this.watch();
        });
    });
  }
}

/** Creates a FIFO with exactly this mode. */
async function makeFifo(path: string, mode: number, what: string): Promise<void> {
  try {
    await run('mkfifo', ['-m', mode.toString(8).padStart(4, '0'), '--', path]);
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim();
    const why = said === undefined || said === '' ? messageOf(error) : said.replace(/^mkfifo: /, '');
    throw new SwitchyardError('TRANSPORT_BIND', `${what} ${path} cannot be created: ${why}`, { cause: error });
  }
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function sameFile(a: Stats | undefined, b: Stats | undefined): boolean {
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev;
}
