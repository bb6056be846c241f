/** Milliseconds for which a replaced key is still accepted. */
export const OLD_KEY_MS = 24 * 3600 * 1000;

/** A key and when it was replaced, in milliseconds since the epoch; undefined while it is in use. */
export interface KeptKey {
  readonly key: string;
  readonly replacedAt: number | undefined;
}

/** The secret key for new tokens, and earlier keys whose tokens are still accepted. */
export class KeyRing {
  private kept: readonly KeptKey[];

  constructor(
    key: string,
    /** Milliseconds since the epoch. */
    private readonly now: () => number,
    /** Earlier keys, newest first. */
    earlier: readonly KeptKey[] = [],
  ) {
    this.kept = [{ key, replacedAt: undefined }, ...earlier.filter((each) => each.key !== key)];
    this.forgetOld();
  }

  /** The key for new tokens. */
  get current(): string {
    return (this.kept[0] as KeptKey).key;
  }

  /** All keys, the one in use first. */
  get keys(): readonly KeptKey[] {
    return this.kept;
  }

  /** Uses another key from now on; the old one is accepted for a day. Returns whether the key is a new one. */
  use(key: string): boolean {
    if (key === this.current) return false;
    const old = this.kept.map((each) => ({ ...each, replacedAt: each.replacedAt ?? this.now() }));
    this.kept = [{ key, replacedAt: undefined }, ...old.filter((each) => each.key !== key)];
    this.forgetOld();
    return true;
  }

  /** Whether `test` is true for a key that is accepted. */
  some(test: (key: string) => boolean): boolean {
    const { kept } = this;
    if (test(this.current)) return true;
    for (let i = 1; i < kept.length; i++) {
      const { key, replacedAt = 0 } = kept[i] as KeptKey;
      if (this.now() - replacedAt < OLD_KEY_MS && test(key)) return true;
    }
    return false;
  }

  private forgetOld(): void {
    this.kept = this.kept.filter((each) => each.replacedAt === undefined || this.now() - each.replacedAt < OLD_KEY_MS);
  }
}
