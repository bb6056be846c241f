/** What scripts keep: text, a number, or the absence of a value. */
export type KeptValue = string | number | null;

/** Values by key, some for a time only: of one process, or shared with others. Times are monotonic milliseconds. */
export interface ValueMap<T> {
  /** The value of a key; undefined where there is none or it has expired. */
  get(key: string, now: number): T | undefined;
  /** When an entry expires; undefined when it does not, or is not there. */
  expiresAt(key: string, now: number): number | undefined;
  /** False where there is no room. What is added to a full one takes the room of the oldest entry. */
  set(key: string, value: T, expires: number | undefined): boolean;
  /** Takes out an entry, if there is one. */
  delete(key: string): void;
  /** Takes out all entries. */
  clear(): void;
  /** What has not expired, of what is there when this begins: entries that are removed meanwhile are among it or not, none twice. */
  entries(now: number): Iterable<readonly [string, T]>;
  /** Takes out what has expired, with what had since this was asked before. When that comes to `most`, the rest is left for the next time. */
  expired(now: number, most?: number): readonly (readonly [string, T])[];
  /** All entries with the time they expire at, the expired ones too. */
  listed(): Iterable<readonly [key: string, value: T, expires: number | undefined]>;
  /** Entries, the expired ones too. */
  readonly size: number;
  /** Runs something during which no other process changes the values. */
  alone<R>(run: () => R): R;
}
