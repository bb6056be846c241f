/** Bytes of messages a transaction may keep without counting as more than one, as a power of two. */
const LIGHT_BITS = 11;

/** What a transaction that keeps `bytes` counts beyond one: a bound on their number then bounds memory too. */
export function surplusOf(bytes: number): number {
  return bytes >> LIGHT_BITS;
}
