/** Maximum number of rows of one table that are logged separately. */
const MAX_LOGGED = 20;
/** Maximum characters of a key in the log. */
const MAX_CHARACTERS = 100;

/** Reports the rows of one table that are left out: the first ones by their keys, the others by their number. */
export class FaultyRows {
  private count = 0;

  constructor(private readonly report: (key: string, reason: string) => void) {}

  /** Adds a row that is left out. */
  add(key: string, reason: string): void {
    if (this.count++ < MAX_LOGGED) this.report(key.slice(0, MAX_CHARACTERS), reason);
  }

  /** Reports how many further rows there were. */
  end(): void {
    if (this.count > MAX_LOGGED) this.report('', `${this.count - MAX_LOGGED} further rows are left out`);
  }
}
