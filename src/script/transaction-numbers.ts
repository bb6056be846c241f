/** Range of numbers for one process: the next process has the following range. */
const NUMBERS_PER_PROCESS = 2 ** 25;
const MAX_NUMBER = 0x7fff_ffff;

let made = 0;

/**
 * Begins the numbers of this process, one of several. Each process has its own range, since a command may name a
 * transaction of any process.
 */
export function numberTransactionsOf(process: number): void {
  made = process * NUMBERS_PER_PROCESS;
}

/** Takes a number for another transaction. */
export function takeTransactionNumber(): number {
  made = (made + 1) % MAX_NUMBER;
  return made;
}

/** The number that will be taken next. */
export function nextTransactionNumber(): number {
  return made + 1;
}
