/** Bytes of the memory that the brain and its workers share: touched as far as tables need it. */
export const SHARED_BYTES = 16 * 1024 * 1024;

/** Partitions that workers may select from at most. */
export const MOST_TABLES = 4096;

/** Words at the start of the memory: which rules hold (0: the brain is to be asked about everything), then which tables do. */
export const EPOCH = 0;
/** Word of the first table: the generation of it that holds, 0 for none. */
export const FIRST_TABLE = 1;

/** Then, by worker, how many requests it has decided about and relayed since the start: reports of the last ones may be under way. */
export const BEGUN = FIRST_TABLE + MOST_TABLES;
const MOST_PROCESSES = 64;

/** Then, by process, its transactions. */
export const FIGURES = BEGUN + MOST_PROCESSES;

/** Where the columns of sets begin, in words. */
export const FIRST_COLUMN = FIGURES + 4 * MOST_PROCESSES;

/** The view of the words that say what holds. */
export function headOf(memory: ArrayBufferLike): Int32Array {
  return new Int32Array(memory, 0, FIRST_COLUMN);
}

/** The number of the brain in locks. */
export const BRAIN = 1;

/** The number of a worker in locks. */
export function ownerOf(worker: number): number {
  return BRAIN + worker;
}
