/** Milliseconds a key is still accepted after another one has replaced it. */
export const OLD_KEY_MS = 24 * 3600 * 1000;

/** A key and when it stopped being the one in use; undefined while it is. Times in milliseconds of the epoch. */
export interface KeptKey {
  readonly key: string;
  readonly replacedAt: number | undefined;
}

/** The secret key for new tokens, and the keys of tokens that are still in use. */
export class KeyRing {
  private kept: readonly KeptKey[];

  constructor(
    key: string,
    /** Milliseconds of the epoch. */
    private readonly now: () => number,
    /** Earlier keys, newest first. */
    earlier: readonly KeptKey[] = [],
  ) {
    this.kept = [{ key, replacedAt: undefined }, ...earlier.filter((each) => each.key !== key)];
    this.forgetOld();
  }

  /** The key by which new tokens are made. */
  get current(): string {
    return (this.kept[0] as KeptKey).key;
  }

  /** All keys, the one in use first. */
  get keys(): readonly KeptKey[] {
    return this.kept;
  }

  /** Takes another key into use; the present one is accepted for a day. Returns whether anything changed. */
  use(key: string): boolean {
    if (key === this.current) return false;
    const old = this.kept.map((each) => ({ ...each, replacedAt: each.replacedAt ?? this.now() }));
    this.kept = [{ key, replacedAt: undefined }, ...old.filter((each) => each.key !== key)];
    this.forgetOld();
    return true;
  }

  /** Whether `test` holds for a key that is in use, or was until a day ago. */
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
