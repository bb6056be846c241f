/** Maximum number of dialogs remembered. */
const MAX_DIALOGS = 16_384;
/** Milliseconds after which all are dropped, since host names of destinations may have other addresses by then. */
const LONGEST_MS = 10_000;

/**
 * Dialogs whose requests the brain has recently let pass. The key has the tags in their token, the address a request
 * goes to and the one it came from: between two loads of a table, the decision depends on nothing else.
 */
export class KnownDialogs {
  private readonly known = new Set<string>();
  private began = 0;

  constructor(
    /** Monotonic milliseconds. */
    private readonly now: () => number,
  ) {}

  /** Whether the brain has recently let a request with this key pass. */
  has(dialog: string): boolean {
    if (this.known.size > 0 && this.now() - this.began > LONGEST_MS) this.known.clear();
    return this.known.has(dialog);
  }

  /** The brain has let a request with this key pass. */
  add(dialog: string): void {
    if (this.known.size >= MAX_DIALOGS) this.known.clear();
    if (this.known.size === 0) this.began = this.now();
    this.known.add(dialog);
  }

  /** Drops all entries, since a table was loaded. */
  forget(): void {
    this.known.clear();
  }
}
