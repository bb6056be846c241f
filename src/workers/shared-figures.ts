import type { TransactionFigures } from '../sip/transaction/counters.js';
import { FIGURES, headOf } from './shared-layout.js';

/** Words of one process. */
const WORDS = 4;

/** Numbers of transactions by process, in shared memory: each process writes its own, and all are bounded together. */
export class SharedFigures implements Readonly<TransactionFigures> {
  private readonly words: Int32Array;

  /** `own`: the process that reads; 0 is the brain. */
  constructor(
    memory: ArrayBufferLike,
    private readonly own: number,
    private readonly workers: number,
  ) {
    this.words = headOf(memory).subarray(FIGURES);
  }

  /** The sum of the other processes. */
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

  /** Sets the numbers of a process; undefined: it has ended. */
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
