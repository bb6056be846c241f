import { nextTurn } from '../../core/turn.js';
import { FifoReader, type FifoReaderOptions } from './fifo-reader.js';

/** Cuts what is read into requests. */
export interface Framing<Item> {
  push(chunk: Buffer): readonly Item[];
  /** Whether a request has begun and not ended. */
  readonly waiting: boolean;
  /** Gives up the request that has begun. */
  expire(): readonly Item[];
}

export interface FifoDoorOptions<Item> {
  readonly reader: Omit<FifoReaderOptions, 'onData'>;
  readonly framing: Framing<Item>;
  /** Milliseconds after which half a request is given up. Default 2000. */
  readonly halfTimeout: number | undefined;
  /** Runs one request. The next one waits for it. Must not reject. */
  readonly answer: (item: Item) => Promise<void>;
}

/** Requests run before other work gets a turn of the event loop: one read may hold thousands. */
const RUN_IN_A_TURN = 16;

/** Requests read and not yet run beyond this stop the reading until they are. */
const MAX_QUEUED = 128;

/** Reads requests from a FIFO and has them run one after the other, in the order they were written. */
export class FifoDoor<Item> {
  private readonly reader: FifoReader;
  private readonly queue: Item[] = [];
  private working: Promise<void> | undefined;
  private cancelExpiry = () => {};
  private stopped = true;

  constructor(private readonly options: FifoDoorOptions<Item>) {
    this.reader = new FifoReader({ ...options.reader, onData: (chunk) => this.read(chunk) });
  }

  async start(): Promise<void> {
    this.stopped = false;
    await this.reader.start();
  }

  /** Reads no more. Resolves when the request that runs is done; those behind it are not run. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelExpiry();
    this.reader.stop();
    await this.working;
  }

  /** Removes the FIFO. After `stop`. */
  remove(): void {
    this.reader.remove();
  }

  private read(chunk: Buffer): void {
    const { reader, framing, halfTimeout = 2000 } = this.options;
    this.accept(framing.push(chunk));
    this.cancelExpiry();
    if (!framing.waiting) return;
    this.cancelExpiry = reader.clock.schedule(halfTimeout, () => this.accept(framing.expire()));
  }

  private accept(items: readonly Item[]): void {
    this.queue.push(...items);
    if (this.queue.length > MAX_QUEUED) this.reader.pause();
    if (this.queue.length === 0 || this.working !== undefined) return;
    this.working = this.work().finally(() => {
      this.working = undefined;
      if (!this.stopped) this.accept([]);
    });
  }

  private async work(): Promise<void> {
    let sinceTurn = 0;
    for (let item = this.queue.shift(); item !== undefined && !this.stopped; item = this.queue.shift()) {
      await this.options.answer(item);
      if (++sinceTurn % RUN_IN_A_TURN === 0) await nextTurn();
      if (this.queue.length <= MAX_QUEUED / 2) this.reader.resume();
    }
  }
}
