import type { Tally } from '../sip/transaction/counters.js';
import type { FromWorker } from './protocol.js';
import { ReportReader } from './report-reader.js';
import { ReportRing } from './report-ring.js';
import { SharedCounters } from './shared-counters.js';

/** Milliseconds between two reads of the rings: a read costs the same for few or many calls. */
const LOOK_MS = 100;
/** After so many empty reads the brain stops reading until a worker wakes it. */
const MAX_IDLE_LOOKS = 10;

/** What the brain's side needs. */
export interface ReportsOptions {
  readonly memory: ArrayBufferLike;
  readonly workers: number;
  /** The counters to which those of workers are added. */
  readonly totals: readonly Tally[];
  readonly receive: (worker: number, item: FromWorker) => void;
  /** Called when a worker's record could not be handled. */
  readonly failed: (worker: number, error: unknown) => void;
  /** Called at each read. */
  readonly looked: () => void;
}

interface Side {
  readonly worker: number;
  readonly ring: ReportRing;
  readonly reader: ReportReader;
  readonly counters: SharedCounters;
}

/**
 * Reads the workers' reports from shared memory. While the brain reads regularly nobody has to wake it, and without
 * reports nothing runs.
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

  /** Reads what a worker has written so far, which is older than its messages over the channel. */
  read(worker: number): void {
    const side = this.sides[worker - 1];
    if (side !== undefined) this.readOne(side);
    if (this.timer !== undefined) return;
    for (const { ring } of this.sides) ring.sleep(false);
    this.idleLooks = 0;
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  /** A worker has ended: reads what it wrote, before its successor begins to write. */
  lost(worker: number): void {
    const side = this.sides[worker - 1];
    if (side === undefined) return;
    this.readOne(side);
    side.counters.takeInto(this.options.totals);
    side.reader.clear();
    side.counters.clear();
  }

  /** Reads the rest, and stops. */
  stop(): void {
    clearInterval(this.timer);
    this.readAll();
  }

  private look(): void {
    this.idleLooks = this.readAll() ? 0 : this.idleLooks + 1;
    this.options.looked();
    if (this.idleLooks < MAX_IDLE_LOOKS) return;
    for (const { ring } of this.sides) ring.sleep(true);
    // Records written before the sleep mark was set wake nobody, so the rings are read once more.
    if (this.readAll()) {
      for (const { ring } of this.sides) ring.sleep(false);
      this.idleLooks = 0;
      return;
    }
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Reads all rings; returns whether there was anything. */
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
