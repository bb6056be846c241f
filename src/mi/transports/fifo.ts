import type { FifoConfig } from '../../config/settings.js';
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { Service } from '../../core/service.js';
import { MiError } from '../command.js';
import { FifoFraming, type FifoItem } from '../fifo-framing.js';
import type { MiHandler } from '../handler.js';
import { PARSE_ERROR_TEXT } from '../handler.js';
import { renderError } from '../json-rpc.js';
import { renderTextError } from '../line-text.js';
import { FifoReader } from './fifo-reader.js';
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

/**
 * The FIFO door: reads commands of both forms and answers to the reply FIFOs of its clients. Commands run one after the
 * other in the order they were written; delivering their answers holds up nobody.
 */
export class MiFifo implements Service {
  readonly name = 'mi fifo';
  private readonly framing = new FifoFraming();
  private readonly replies: ReplyFifos;
  private readonly reader: FifoReader;
  private cancelExpiry = () => {};
  private readonly queue: FifoItem[] = [];
  private working: Promise<void> | undefined;
  private stopped = true;

  constructor(private readonly options: MiFifoOptions) {
    const { config, clock, handler, logger, watchInterval, openTimeout, stallTimeout } = options;
    this.reader = new FifoReader({
      path: config.fifoName,
      mode: config.fifoMode,
      what: 'MI FIFO',
      clock,
      logger,
      watchInterval,
      onData: (chunk) => this.read(chunk),
    });
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
    await this.reader.start();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelExpiry();
    this.reader.stop();
    await this.working;
    await this.replies.stop();
    this.reader.remove();
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
    if (this.queue.length > MAX_QUEUED) this.reader.pause();
    if (this.queue.length === 0 || this.working !== undefined) return;
    this.working = this.work().finally(() => {
      this.working = undefined;
      if (!this.stopped) this.accept([]);
    });
  }

  private async work(): Promise<void> {
    for (let item = this.queue.shift(); item !== undefined && !this.stopped; item = this.queue.shift()) {
      await this.answer(item);
      if (this.queue.length <= MAX_QUEUED / 2) this.reader.resume();
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
