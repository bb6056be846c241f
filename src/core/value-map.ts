import type { Adder } from './owned-entries.js';

/** A value that scripts store: text, number, or null. */
export type KeptValue = string | number | null;

/** Values by key, some with an expiry, either of one process or shared by several. Times are monotonic milliseconds. */
export interface ValueMap<T> {
  /** The value of a key; undefined when there is none or it has expired. */
  get(key: string, now: number): T | undefined;
  /** When an entry expires; undefined when it never does, or does not exist. */
  expiresAt(key: string, now: number): number | undefined;
  /**
   * Sets a value; false when there is no room. Adding to a full map removes the oldest entry; in a map of one process,
   * a source `by` that holds more than its share removes its own oldest ones before.
   */
  set(key: string, value: T, expires: number | undefined, by?: Adder): boolean;
  /** Removes an entry, if there is one. */
  delete(key: string): void;
  /** Removes all entries. */
  clear(): void;
  /**
   * The entries that exist at the beginning and have not expired. An entry removed during the loop may be included or
   * not; none is included twice.
   */
  entries(now: number): Iterable<readonly [string, T]>;
  /**
   * Removes and returns the entries that have expired since the last call; at most `max`, the rest with the next call.
   */
  expired(now: number, max?: number): readonly (readonly [string, T])[];
  /** All entries with their expiry, including expired ones. */
  listed(): Iterable<readonly [key: string, value: T, expires: number | undefined]>;
  /** Number of entries, including expired ones. */
  readonly size: number;
  /** Runs a function while no other process changes the values. */
  alone<R>(run: () => R): R;
}
