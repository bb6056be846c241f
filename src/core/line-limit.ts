/** Kinds of lines that are counted at once. */
const MOST_KINDS = 1000;

interface Kind {
  began: number;
  lines: number;
  suppressed: number;
  sources: Set<string> | undefined;
}

/** Counts log lines of one kind over a time, so that what a peer or a script can cause does not fill a disk. */
export class LineLimit {
  private readonly kinds = new Map<string, Kind>();

  constructor(
    /** Milliseconds lines of one kind are counted over. */
    private readonly windowMs: number,
    /** Lines of one kind in that time. */
    private readonly lines: number,
    /** Milliseconds of a clock that does not go back. */
    private readonly now: () => number,
  ) {}

  /**
   * Whether a line of a kind may be written: the number of lines left out since the last one, undefined when this one is
   * left out too. Of one `source` only the first line in the time is written.
   */
  admit(name: string, source?: string): number | undefined {
    const at = this.now();
    let kind = this.kinds.get(name);
    if (kind === undefined) {
      if (this.kinds.size >= MOST_KINDS) this.kinds.clear();
      kind = { began: at, lines: 0, suppressed: 0, sources: undefined };
      this.kinds.set(name, kind);
    } else if (at - kind.began >= this.windowMs) {
      kind.began = at;
      kind.lines = 0;
      kind.sources = undefined;
    }
    if (kind.lines >= this.lines || (source !== undefined && kind.sources?.has(source) === true)) {
      kind.suppressed++;
      return undefined;
    }
    kind.lines++;
    if (source !== undefined) (kind.sources ??= new Set()).add(source);
    const { suppressed } = kind;
    kind.suppressed = 0;
    return suppressed;
  }
}
