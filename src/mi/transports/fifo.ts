import { execFile } from 'node:child_process';
import { chmodSync, closeSync, constants, fstatSync, lstatSync, openSync, type Stats, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import type { FifoConfig } from '../../config/settings.js';
import type { Clock } from '../../core/clock.js';
import { messageOf, SwitchyardError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import type { Service } from '../../core/service.js';
import { MiError } from '../command.js';
import { FifoFraming, type FifoItem } from '../fifo-framing.js';
import type { MiHandler } from '../handler.js';
import { PARSE_ERROR_TEXT } from '../handler.js';
import { renderError } from '../json-rpc.js';
import { renderTextError } from '../line-text.js';
import { ReplyFifos } from './reply-fifo.js';

export interface MiFifoOptions {
  readonly config: FifoConfig;
  readonly handler: MiHandler;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds after which a half command is given up. Default 2000. */
  readonly halfCommandTimeout?: number;
  /** Milliseconds between two looks whether the FIFO is still the one we read. Default 3000. */
  readonly watchInterval?: number;
  /** See ReplyFifos. */
  readonly openTimeout?: number;
  readonly stallTimeout?: number;
}

/** Commands read and not yet run beyond this stop the reading until they are. */
const MAX_QUEUED = 128;

const run = promisify(execFile);

/**
 * The FIFO door: reads commands of both forms and answers to the reply FIFOs of its clients. Commands run one after the
 * other in the order they were written; delivering their answers holds up nobody.
 */
export class MiFifo implements Service {
  readonly name = 'mi fifo';
  private readonly framing = new FifoFraming();
  private readonly replies: ReplyFifos;
  private socket: Socket | undefined;
  private identity: Stats | undefined;
  private cancelExpiry = () => {};
  private cancelWatch = () => {};
  private readonly queue: FifoItem[] = [];
  private working: Promise<void> | undefined;
  private stopped = true;

  constructor(private readonly options: MiFifoOptions) {
    const { config, clock, handler, openTimeout, stallTimeout } = options;
    this.replies = new ReplyFifos({
      directory: config.replyDir.endsWith('/') ? config.replyDir : `${config.replyDir}/`,
      clock,
      ...(openTimeout === undefined ? {} : { openTimeout }),
      ...(stallTimeout === undefined ? {} : { stallTimeout }),
      onLost: (reason, message) => handler.refuse('fifo', reason, message),
    });
  }

  async start(): Promise<void> {
    this.stopped = false;
    await this.open();
    this.watch();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelExpiry();
    this.cancelWatch();
    this.close();
    await this.working;
    await this.replies.stop();
    // Only the FIFO we made or took over is removed, not one that somebody has put in its place.
    const { fifoName } = this.options.config;
    if (this.identity !== undefined && sameFile(statOf(fifoName), this.identity)) {
      try {
        unlinkSync(fifoName);
      } catch (error) {
        this.options.logger.warn({ fifo: fifoName }, `MI FIFO could not be removed: ${messageOf(error)}`);
      }
    }
    this.identity = undefined;
  }

  /** Makes the FIFO where there is none and opens it for reading. */
  private async open(): Promise<void> {
    const { fifoName, fifoMode } = this.options.config;
    const existing = statOf(fifoName);
    if (existing === undefined) await makeFifo(fifoName, fifoMode);
    else if (!existing.isFIFO()) {
      throw new SwitchyardError('TRANSPORT_BIND', `MI FIFO ${fifoName}: something that is no FIFO stands there`);
    } else this.takeOver();
    let fd: number;
    try {
      // Open for writing too, so that there is always a writer: neither opening waits for one nor reading sees an end.
      fd = openSync(fifoName, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    } catch (error) {
      throw new SwitchyardError('TRANSPORT_BIND', `MI FIFO ${fifoName}: ${messageOf(error)}`, { cause: error });
    }
    const opened = fstatSync(fd);
    if (!opened.isFIFO()) {
      closeSync(fd);
      throw new SwitchyardError('TRANSPORT_BIND', `MI FIFO ${fifoName}: something that is no FIFO stands there`);
    }
    this.identity = opened;
    const socket = new Socket({ fd, readable: true, writable: false });
    socket.on('data', (chunk: Buffer) => this.read(chunk));
    socket.on('error', (error) => {
      this.options.logger.error({ fifo: fifoName, err: error }, `MI FIFO cannot be read: ${error.message}`);
    });
    socket.on('close', () => {
      if (this.socket === socket) this.socket = undefined;
    });
    this.socket = socket;
  }

  /** A FIFO that was left behind is used again, with the mode it ought to have. */
  private takeOver(): void {
    const { fifoName, fifoMode } = this.options.config;
    try {
      chmodSync(fifoName, fifoMode);
      closeSync(openSync(fifoName, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW));
      this.options.logger.warn({ fifo: fifoName }, 'MI FIFO is read by another process too, it may take our commands');
    } catch (error) {
      // ENXIO is the good case: nobody reads it.
      if ((error as NodeJS.ErrnoException).code === 'ENXIO') return;
      this.options.logger.warn({ fifo: fifoName }, `MI FIFO was left by somebody else: ${messageOf(error)}`);
    }
  }

  private close(): void {
    const { socket } = this;
    this.socket = undefined;
    socket?.destroy();
  }

  /** Looks now and then whether the path still leads to what we read; somebody may have removed or replaced it. */
  private watch(): void {
    const { clock, config, logger, watchInterval = 3000 } = this.options;
    this.cancelWatch = clock.schedule(watchInterval, () => {
      const { fifoName } = config;
      if (this.socket !== undefined && sameFile(statOf(fifoName), this.identity)) {
        this.watch();
        return;
      }
      logger.warn({ fifo: fifoName }, 'MI FIFO was removed or replaced, it is opened anew');
      this.close();
      this.identity = undefined;
      this.open()
        .catch((error: unknown) => {
          logger.error({ fifo: fifoName }, `MI FIFO could not be opened anew: ${messageOf(error)}`);
        })
        .finally(() => {
          if (this.stopped) this.close();
          else this.watch();
        });
    });
  }

  private read(chunk: Buffer): void {
    this.accept(this.framing.push(chunk));
    this.cancelExpiry();
    if (!this.framing.waiting) return;
    const { clock, halfCommandTimeout = 2000 } = this.options;
    this.cancelExpiry = clock.schedule(halfCommandTimeout, () => this.accept(this.framing.expire()));
  }

  private accept(items: readonly FifoItem[]): void {
    this.queue.push(...items);
    if (this.queue.length > MAX_QUEUED) this.socket?.pause();
    if (this.queue.length === 0 || this.working !== undefined) return;
    this.working = this.work().finally(() => {
      this.working = undefined;
      if (!this.stopped) this.accept([]);
    });
  }

  private async work(): Promise<void> {
    for (let item = this.queue.shift(); item !== undefined && !this.stopped; item = this.queue.shift()) {
      await this.answer(item);
      if (this.queue.length <= MAX_QUEUED / 2 && this.socket?.isPaused()) this.socket.resume();
    }
  }

  private async answer(item: FifoItem): Promise<void> {
    const { handler } = this.options;
    let answer: readonly string[] | undefined;
    switch (item.kind) {
      case 'json':
        answer = await handler.answer(item.body, 'fifo');
        break;
      case 'text':
        answer = await handler.answerText(item.request, 'fifo');
        break;
      case 'refused':
        handler.refuse('fifo', item.reason, item.message);
        answer = [refusal(item)];
        break;
    }
    if (answer !== undefined && item.reply !== '') void this.replies.send(item.reply, answer);
  }
}

/** What the writer of something that is no command is told, where it can be reached. */
function refusal(item: Extract<FifoItem, { kind: 'refused' }>): string {
  const tooLong = item.reason === 'oversized';
  if (item.form === 'text')
    return renderTextError(new MiError(400, tooLong ? 'command too long' : 'incomplete command'), true);
  return tooLong ? renderError(new MiError(-32600, 'Invalid Request', 'request too large'), null) : PARSE_ERROR_TEXT;
}

/** Makes a FIFO with exactly this mode. */
async function makeFifo(path: string, mode: number): Promise<void> {
  try {
    await run('mkfifo', ['-m', mode.toString(8).padStart(4, '0'), '--', path]);
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim();
    const why = said === undefined || said === '' ? messageOf(error) : said.replace(/^mkfifo: /, '');
    throw new SwitchyardError('TRANSPORT_BIND', `MI FIFO ${path} cannot be made: ${why}`, { cause: error });
  }
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function sameFile(a: Stats | undefined, b: Stats | undefined): boolean {
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev;
}
