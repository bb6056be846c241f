/** Maximum number of rows of one table that are logged separately. */
const MAX_LOGGED = 20;
/** Maximum characters of a key in the log. */
const MAX_CHARACTERS = 100;

/** Logs the rows of one table that are ignored: the first ones by their keys, the others by their number. */
export class FaultyRows {
  private count = 0;

  constructor(private readonly report: (key: string, reason: string) => void) {}

  /** Adds a row that is ignored. */
  add(key: string, reason: string): void {
    if (this.count++ < MAX_LOGGED) this.report(key.slice(0, MAX_CHARACTERS), reason);
  }

  /** Logs how many further rows there were. */
  end(): void {
    if (this.count > MAX_LOGGED) this.report('', `${this.count - MAX_LOGGED} further rows are left out`);
  }
}
