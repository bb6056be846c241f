/** Dialogs remembered at most. */
const MOST = 16_384;
/** Milliseconds after which all is forgotten: destinations given by name may have other addresses by then. */
const LONGEST_MS = 10_000;

/**
 * Which dialogs may go where, as the brain has decided lately: by the tags of their token, the address a request goes to and the
 * one it came from, which is all that the decision depends on between two loads of a table.
 */
export class KnownDialogs {
  private readonly known = new Set<string>();
  private began = 0;

  constructor(
    /** Monotonic milliseconds. */
    private readonly now: () => number,
  ) {}

  /** Whether the brain has let a request of that key pass lately. */
  has(dialog: string): boolean {
    if (this.known.size > 0 && this.now() - this.began > LONGEST_MS) this.known.clear();
    return this.known.has(dialog);
  }

  /** The brain has let a request of that key pass. */
  add(dialog: string): void {
    if (this.known.size >= MOST) this.known.clear();
    if (this.known.size === 0) this.began = this.now();
    this.known.add(dialog);
  }

  /** Forgets all: a table was loaded. */
  forget(): void {
    this.known.clear();
  }
}
