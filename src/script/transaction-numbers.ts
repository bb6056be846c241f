/** Range of numbers for one process: the next process has the following range. */
const NUMBERS_PER_PROCESS = 2 ** 25;
const MAX_NUMBER = 0x7fff_ffff;

/** The numbers of the transactions of one process. */
class TransactionNumbers {
  private last = 0;

  /**
   * Begins the numbers of this process, one of several. Each process has its own range, since a command may name a
   * transaction of any process.
   */
  beginFor(process: number): void {
    this.last = process * NUMBERS_PER_PROCESS;
  }

  /** Takes a number for another transaction. */
  take(): number {
    this.last = (this.last + 1) % MAX_NUMBER;
    return this.last;
  }

  /** The number that will be taken next. */
  get next(): number {
    return this.last + 1;
  }
}

/** One per process: the numbers continue when the script is loaded again. */
export const transactionNumbers = new TransactionNumbers();
