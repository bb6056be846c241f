interface Entry<T> {
  readonly expires: number;
  readonly value: T;
  /** Whether it was used since it was added, or since it was passed over. */
  used: boolean;
}

/**
 * Values by name with an expiry each, at most `max`. When it is full, the oldest entry that was not used again makes
 * room, so that names which somebody invents push out each other and not those in use. To make room, each entry is
 * passed over once at most.
 */
export class NameCache<T> {
  private readonly entries = new Map<string, Entry<T>>();
  /**
   * Where the search for an entry that makes room continues: a new iterator would skip all removed entries each time.
   */
  private cursor = this.entries.entries();

  constructor(private readonly max: number) {}

  /** Number of entries, including expired ones. */
  get size(): number {
    return this.entries.size;
  }

  /** The value of a name that has not expired; else undefined. */
  get(name: string, now: number): T | undefined {
    const entry = this.entries.get(name);
    if (entry === undefined || entry.expires <= now) return undefined;
    entry.used = true;
    return entry.value;
  }

  /** The value of a name that expired at most `ms` milliseconds ago, or has not expired; else undefined. */
  former(name: string, now: number, ms: number): T | undefined {
    const entry = this.entries.get(name);
    return entry === undefined || entry.expires + ms <= now ? undefined : entry.value;
  }

  /** Sets the value of a name until `expires`, monotonic milliseconds. */
  set(name: string, value: T, expires: number, now: number): void {
    const before = this.entries.get(name);
    // A name that is looked up again because it has expired is in use.
    const entry = { value, expires, used: before?.used ?? false };
    if (before === undefined && this.entries.size >= this.max) this.makeRoom(now);
    this.entries.set(name, entry);
  }

  private makeRoom(now: number): void {
    // In two rounds each entry is passed over once, and then found unused.
    for (let left = 2 * this.entries.size + 2; left > 0; left--) {
      const next = this.cursor.next();
      if (next.done === true) {
        this.cursor = this.entries.entries();
        continue;
      }
      const [name, entry] = next.value;
      if (entry.used && entry.expires > now - KEPT_MS) entry.used = false;
      else {
        this.entries.delete(name);
        return;
      }
    }
  }
}

/** Milliseconds for which an expired entry that was used still counts as in use. */
const KEPT_MS = 60_000;
