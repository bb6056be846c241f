import type { Caller } from '../../access/caller.js';
import type { FifoConfig } from '../../config/endpoint-settings.js';
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { Service } from '../../core/service.js';
import { FifoReader } from './fifo-reader.js';
import type { FifoProtocol, Framing } from './protocol.js';
import { ReplyFifos } from './reply-fifo.js';
import { RequestQueue } from './request-queue.js';

/** What a FIFO endpoint is made with. */
export interface FifoOptions<Item> {
  readonly config: FifoConfig;
  readonly protocol: FifoProtocol<Item>;
  /** What it is called in messages: "MI FIFO". */
  readonly what: string;
  /** The caller of every request: the FIFO cannot distinguish its writers. */
  readonly caller: () => Caller;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds after which a half request is given up. Default 2000. */
  readonly halfTimeout?: number;
  /** Milliseconds between two checks that the FIFO is still the one we read. Default 3000. */
  readonly watchInterval?: number;
  /** See ReplyFifos. */
  readonly openTimeout?: number;
  readonly stallTimeout?: number;
}

/**
 * A named pipe: reads requests and answers to the reply FIFOs of its clients. Requests begin in the order they were
 * written; delivering an answer delays no other request.
 */
export class FifoEndpoint<Item> implements Service {
  readonly name: string;
  private readonly reader: FifoReader;
  private readonly replies: ReplyFifos;
  private readonly queue: RequestQueue<Item>;
  private readonly framing: Framing<Item>;
  private cancelExpiry = () => {};

  constructor(private readonly options: FifoOptions<Item>) {
    const { config, protocol, what, caller, clock, logger, watchInterval, openTimeout, stallTimeout } = options;
    this.name = `${what} ${config.fifoName}`;
    this.framing = protocol.framing();
    this.reader = new FifoReader({
      path: config.fifoName,
      mode: config.fifoMode,
      what,
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
      onLost: (reason, message) => protocol.refuse(reason, message),
    });
    this.queue = new RequestQueue({
      clock,
      sender: (item) => protocol.sender(item),
      run: async (item) => {
        const { reply, pieces } = await protocol.answer(item, caller());
        if (pieces !== undefined && reply !== '') void this.replies.send(reply, pieces);
      },
      refuse: () => protocol.refuse('busy', 'a request is dropped: too many wait for their databases'),
      pause: () => this.reader.pause(),
      resume: () => this.reader.resume(),
    });
  }

  /** Throws SwitchyardError TRANSPORT_BIND. */
  start(): Promise<void> {
    return this.reader.start();
  }

  /** Reads no more, gives requests under way a second, and removes the FIFO. */
  async stop(): Promise<void> {
    this.cancelExpiry();
    this.reader.stop();
    await this.queue.stop();
    await this.replies.stop();
    this.reader.remove();
  }

  private read(chunk: Buffer): void {
    const { framing, queue } = this;
    const { clock, halfTimeout = 2000 } = this.options;
    queue.add(framing.push(chunk));
    this.cancelExpiry();
    if (framing.waiting) this.cancelExpiry = clock.schedule(halfTimeout, () => queue.add(framing.expire()));
  }
}
