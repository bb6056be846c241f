import type { Caller } from '../../access/caller.js';
import type { FifoConfig } from '../../config/endpoint-settings.js';
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { Service } from '../../core/service.js';
import { FifoReader } from './fifo-reader.js';
import type { FifoProtocol, Framing } from './protocol.js';
import { ReplyFifos } from './reply-fifo.js';
import { RequestQueue } from './request-queue.js';

/** Options of a FIFO endpoint. */
export interface FifoOptions<Item> {
  readonly config: FifoConfig;
  readonly protocol: FifoProtocol<Item>;
  /** Its name in messages, such as "MI FIFO". */
  readonly what: string;
  /** Returns the caller of every request, since a FIFO cannot distinguish its writers. */
  readonly caller: () => Caller;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds after which an incomplete request is dropped. Default 2000. */
  readonly halfTimeout?: number;
  /** Milliseconds between two checks that the path still names our FIFO. Default 3000. */
  readonly watchInterval?: number;
  /** See ReplyFifoOptions. */
  readonly openTimeout?: number;
  readonly stallTimeout?: number;
}

/**
 * A named pipe: reads requests, and writes answers to the reply FIFOs of the clients. Requests begin in the order in
 * which they were written; writing an answer delays no other request.
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

  /** Stops reading, waits up to a second for running requests, and removes the FIFO. */
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
