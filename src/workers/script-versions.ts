/**
 * Tracks which workers run the current script. While one of them does not, none may run it, so that a new file or new
 * tables take effect everywhere at once.
 */
export class ScriptVersions {
  private version = 0;
  private readonly behind = new Set<number>();

  constructor(
    private readonly workers: number,
    /** Called when `agree` may have changed. */
    private readonly changed: () => void,
  ) {}

  /** Whether all workers run the current version. */
  get agree(): boolean {
    return this.behind.size === 0;
  }

  /** A new version: returns its number, which workers report when they use it. */
  next(): number {
    for (let worker = 1; worker <= this.workers; worker++) this.behind.add(worker);
    this.changed();
    return ++this.version;
  }

  /** A worker uses this version. */
  taken(worker: number, version: number): void {
    if (version === this.version) this.caughtUp(worker);
  }

  /** A worker starts with the current version. */
  started(worker: number): void {
    this.caughtUp(worker);
  }

  private caughtUp(worker: number): void {
    if (this.behind.delete(worker) && this.agree) this.changed();
  }
}
