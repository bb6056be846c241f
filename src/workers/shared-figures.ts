import type { TransactionFigures } from '../sip/transaction/counters.js';
import { FIGURES, headOf } from './shared-layout.js';

/** Words of one process. */
const WORDS = 4;

/** Transactions by process, in the memory that all share: each writes its own, and bounds all together. */
export class SharedFigures implements Readonly<TransactionFigures> {
  private readonly words: Int32Array;

  /** `own`: the process that reads, 0 for the brain. */
  constructor(
    memory: ArrayBufferLike,
    private readonly own: number,
    private readonly workers: number,
  ) {
    this.words = headOf(memory).subarray(FIGURES);
  }

  /** Those of the other processes. */
  get servers(): number {
    return this.others(0);
  }

  get clients(): number {
    return this.others(1);
  }

  get unanswered(): number {
    return this.others(2);
  }

  get surplus(): number {
    return this.others(3);
  }

  /** What a process has; undefined: it is no more. */
  set(figures: TransactionFigures | undefined, process = this.own): void {
    const at = WORDS * process;
    this.words[at] = figures?.servers ?? 0;
    this.words[at + 1] = figures?.clients ?? 0;
    this.words[at + 2] = figures?.unanswered ?? 0;
    this.words[at + 3] = figures?.surplus ?? 0;
  }

  private others(figure: number): number {
    const { words, own, workers } = this;
    let sum = 0;
    for (let process = 0; process <= workers; process++) {
      if (process !== own) sum += words[WORDS * process + figure] as number;
    }
    return sum;
  }
}
