/**
 * Which workers run the script as it is now. While one of them does not, none may run it, so that a new file and tables that
 * are read again hold for all at once.
 */
export class ScriptVersions {
  private version = 0;
  private readonly behind = new Set<number>();

  constructor(
    private readonly workers: number,
    /** `agree` may be another from now on. */
    private readonly changed: () => void,
  ) {}

  /** Whether all run the same. */
  get agree(): boolean {
    return this.behind.size === 0;
  }

  /** Something is new: its number, which workers are to name when they have it. */
  next(): number {
    for (let worker = 1; worker <= this.workers; worker++) this.behind.add(worker);
    this.changed();
    return ++this.version;
  }

  /** A worker has what has this number. */
  taken(worker: number, version: number): void {
    if (version === this.version) this.caughtUp(worker);
  }

  /** A worker begins, with what is in force. */
  started(worker: number): void {
    this.caughtUp(worker);
  }

  private caughtUp(worker: number): void {
    if (this.behind.delete(worker) && this.agree) this.changed();
  }
}
