/** Bytes of messages up to which a transaction counts as one, as a power of two. */
const UNIT_BITS = 11;

/**
 * What a transaction that keeps `bytes` counts in addition to 1, so that a bound on the number of transactions also
 * bounds memory.
 */
export function surplusOf(bytes: number): number {
  return bytes >> UNIT_BITS;
}
