/** Maximum number of kinds of lines that are counted. */
const MAX_KINDS = 1000;

interface Kind {
  began: number;
  lines: number;
  suppressed: number;
  sources: Set<string> | undefined;
}

/** Limits the log lines of one kind in a period, so that peers and scripts cannot fill the disk. */
export class LineLimit {
  private readonly kinds = new Map<string, Kind>();

  constructor(
    /** Length of the period in milliseconds. */
    private readonly windowMs: number,
    /** Maximum number of lines of one kind in a period. */
    private readonly lines: number,
    /** Monotonic milliseconds. */
    private readonly now: () => number,
  ) {}

  /**
   * Decides whether a line is written. Returns how many lines of its kind were left out since the last one, or
   * undefined when this one is left out too. Of one `source`, only the first line in a period is written.
   */
  admit(name: string, source?: string): number | undefined {
    const at = this.now();
    let kind = this.kinds.get(name);
    if (kind === undefined) {
      if (this.kinds.size >= MAX_KINDS) this.kinds.clear();
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
