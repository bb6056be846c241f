/** Transactions that one process numbers before its numbers are those of the next one. */
const OF_A_PROCESS = 2 ** 25;
const MOST = 0x7fff_ffff;

let made = 0;

/** Numbers the transactions of this process, one of several, as no other one does: a command may name any of them. */
export function numberTransactionsOf(process: number): void {
  made = process * OF_A_PROCESS;
}

/** A number for another transaction. */
export function takeTransactionNumber(): number {
  made = (made + 1) % MOST;
  return made;
}

/** The number that is taken next. */
export function nextTransactionNumber(): number {
  return made + 1;
}
