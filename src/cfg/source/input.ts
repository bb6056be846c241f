import type { Position } from '../ast.js';

/**
 * A text that is read character by character with its position: a file, or the value of a define, whose characters all
 * have the position where the define is used.
 */
export class Input {
  at = 0;
  private line: number;
  private lineStart: number;
  /** Offset of the first line end after `lineStart`, or the end of the text. */
  private lineEnd: number;

  constructor(
    readonly file: string,
    readonly text: string,
    /** For a define: the position where its name is used. */
    readonly origin: Position | undefined = undefined,
    /** For a define: its name, so that it does not expand inside itself. */
    readonly define: string | undefined = undefined,
    /** The original line of each line of the text; undefined where they are the same. */
    private readonly lines: readonly number[] | undefined = undefined,
  ) {
    this.line = 1;
    this.lineStart = 0;
    this.lineEnd = endOfLine(text, 0);
  }

  /** Whether the whole text has been read. */
  get ended(): boolean {
    return this.at >= this.text.length;
  }

  /** Position of the character at `offset`, which must not be before one that was asked for earlier. */
  position(offset: number): Position {
    if (this.origin !== undefined) return this.origin;
    while (this.lineEnd < offset && this.lineEnd < this.text.length) {
      this.line++;
      this.lineStart = this.lineEnd + 1;
      this.lineEnd = endOfLine(this.text, this.lineStart);
    }
    const line = this.lines?.[this.line] ?? this.line;
    return { file: this.file, line, column: offset - this.lineStart + 1 };
  }

  /** Reads the rest of the line; reading continues after the line end. */
  restOfLine(): string {
    const end = endOfLine(this.text, this.at);
    const line = this.text.slice(this.at, end).replace(/\r$/, '');
    this.at = Math.min(end + 1, this.text.length);
    return line;
  }

  /**
   * Like restOfLine(), but a backslash at the end of a line joins it with the next if `joins` allows it for the first.
   */
  joinedLines(joins: (first: string) => boolean): string {
    let line = '';
    for (let first = true; ; first = false) {
      const part = this.restOfLine();
      if (!part.endsWith('\\')) return line + part;
      line += part.slice(0, -1);
      if (this.ended || (first && !joins(line))) return line;
    }
  }

  /** What a sticky expression matches where reading goes on. It must not need the rest of a long line. */
  match(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.at;
    return sticky.exec(this.text);
  }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}
