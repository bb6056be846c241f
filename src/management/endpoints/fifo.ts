import type { FifoConfig } from '../../config/settings.js';
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { Service } from '../../core/service.js';
import { MiError } from '../mi/command.js';
import { FifoFraming, type FifoItem } from '../mi/fifo-framing.js';
import type { MiHandler } from '../mi/handler.js';
import { PARSE_ERROR_TEXT } from '../mi/handler.js';
import { renderError } from '../mi/json-rpc.js';
import { renderTextError } from '../mi/line-text.js';
import { FifoDoor } from './fifo-door.js';
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

/**
 * The FIFO door: reads commands of both forms and answers to the reply FIFOs of its clients. Commands run one after the
 * other in the order they were written; delivering their answers holds up nobody.
 */
export class MiFifo implements Service {
  readonly name = 'mi fifo';
  private readonly door: FifoDoor<FifoItem>;
  private readonly replies: ReplyFifos;

  constructor(private readonly options: MiFifoOptions) {
    const { config, clock, handler, logger, watchInterval, openTimeout, stallTimeout } = options;
    this.door = new FifoDoor({
      reader: { path: config.fifoName, mode: config.fifoMode, what: 'MI FIFO', clock, logger, watchInterval },
      framing: new FifoFraming(),
      halfTimeout: options.halfCommandTimeout,
      answer: (item) => this.answer(item),
    });
    this.replies = new ReplyFifos({
      directory: config.replyDir.endsWith('/') ? config.replyDir : `${config.replyDir}/`,
      clock,
      ...(openTimeout === undefined ? {} : { openTimeout }),
      ...(stallTimeout === undefined ? {} : { stallTimeout }),
      onLost: (reason, message) => handler.refuse('fifo', reason, message),
    });
  }

  start(): Promise<void> {
    return this.door.start();
  }

  async stop(): Promise<void> {
    await this.door.stop();
    await this.replies.stop();
    this.door.remove();
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
