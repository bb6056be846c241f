import type { Tally } from '../sip/transaction/counters.js';
import type { FromWorker } from './protocol.js';
import { ReportReader } from './report-reader.js';
import { ReportRing } from './report-ring.js';
import { SharedCounters } from './shared-counters.js';

/** Milliseconds between two looks at what workers have written: a look costs as much for few calls as for many. */
const LOOK_MS = 100;
/** Looks that found nothing, after which there are no more until a worker wakes the brain. */
const MOST_IDLE_LOOKS = 10;

/** What the brain's side is made with. */
export interface ReportsOptions {
  readonly memory: ArrayBufferLike;
  readonly workers: number;
  /** Where the counts of workers are added. */
  readonly totals: readonly Tally[];
  readonly receive: (worker: number, item: FromWorker) => void;
  /** What a worker wrote could not be processed. */
  readonly failed: (worker: number, error: unknown) => void;
  /** Called with each look. */
  readonly looked: () => void;
}

interface Side {
  readonly worker: number;
  readonly ring: ReportRing;
  readonly reader: ReportReader;
  readonly counters: SharedCounters;
}

/**
 * What workers report, read from the memory they share: nobody is woken for it while the brain looks anyway, and nothing runs while
 * there is nothing to report.
 */
export class Reports {
  private readonly sides: readonly Side[];
  private timer: NodeJS.Timeout | undefined = undefined;
  private idleLooks = 0;

  constructor(private readonly options: ReportsOptions) {
    const { memory, workers, receive, failed } = options;
    this.sides = Array.from({ length: workers }, (_, i) => {
      const worker = i + 1;
      const ring = new ReportRing(memory, worker);
      ring.sleep(true);
      return {
        worker,
        ring,
        reader: new ReportReader(
          ring,
          (item) => receive(worker, item),
          (error) => failed(worker, error),
        ),
        counters: new SharedCounters(memory, worker),
      };
    });
  }

  /** Reads what a worker has written so far: before what it has said otherwise. It may go on. */
  read(worker: number): void {
    const side = this.sides[worker - 1];
    if (side !== undefined) this.readOne(side);
    if (this.timer !== undefined) return;
    for (const { ring } of this.sides) ring.sleep(false);
    this.idleLooks = 0;
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  /** A worker has ended: what it wrote is read, then another begins to write. */
  lost(worker: number): void {
    const side = this.sides[worker - 1];
    if (side === undefined) return;
    this.readOne(side);
    side.counters.takeInto(this.options.totals);
    side.reader.clear();
    side.counters.clear();
  }

  /** Reads what is left, and looks no longer. */
  stop(): void {
    clearInterval(this.timer);
    this.readAll();
  }

  private look(): void {
    this.idleLooks = this.readAll() ? 0 : this.idleLooks + 1;
    this.options.looked();
    if (this.idleLooks < MOST_IDLE_LOOKS) return;
    for (const { ring } of this.sides) ring.sleep(true);
    // What was written before that wakes nobody.
    if (this.readAll()) {
      for (const { ring } of this.sides) ring.sleep(false);
      this.idleLooks = 0;
      return;
    }
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Whether there was anything. */
  private readAll(): boolean {
    let found = false;
    for (const side of this.sides) {
      if (this.readOne(side)) found = true;
      if (side.counters.takeInto(this.options.totals)) found = true;
    }
    return found;
  }

  private readOne({ worker, reader }: Side): boolean {
    try {
      return reader.read() > 0;
    } catch (error) {
      this.options.failed(worker, error);
      return true;
    }
  }
}
