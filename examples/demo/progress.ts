/** What is happening, for people: one line rewritten in place on a terminal, else a line now and then. */
export class Progress {
  private readonly tty: boolean;
  private readonly colour: boolean;
  private shownAt = 0;
  private pending = false;

  /** `stream`: where it is shown; data goes elsewhere. */
  constructor(private readonly stream: NodeJS.WriteStream) {
    this.tty = stream.isTTY === true;
    this.colour = this.tty && (process.env['NO_COLOR'] ?? '') === '';
  }

  /** Says where we are now. May be called as often as one likes. */
  at(text: string): void {
    const now = performance.now();
    if (now - this.shownAt < (this.tty ? 80 : 2000)) return;
    this.shownAt = now;
    const line = text.slice(0, Math.max(20, (this.stream.columns || 100) - 1));
    this.stream.write(this.tty ? `\r\x1b[K${this.dim(line)}` : `  ... ${text}\n`);
    this.pending = this.tty;
  }

  /** A line that stays. */
  say(text = ''): void {
    this.clear();
    this.stream.write(`${text}\n`);
  }

  /** A line that stays and begins a part. */
  head(text: string): void {
    this.say();
    this.say(this.colour ? `\x1b[1m${text}\x1b[0m` : text);
    this.shownAt = this.tty ? 0 : performance.now();
  }

  /** Takes the line in progress away. */
  clear(): void {
    if (this.pending) this.stream.write('\r\x1b[K');
    this.pending = false;
  }

  private dim(text: string): string {
    return this.colour ? `\x1b[2m${text}\x1b[0m` : text;
  }
}
