import type { Position } from '../ast.js';

/**
 * Text that is read character by character with its position: a file, or the value of a define, whose characters all
 * have the position where the define is used.
 */
export class Input {
  at = 0;
  private line: number;
  private lineStart: number;
  /** Of the first line end after `lineStart`; the end of the text without one. */
  private lineEnd: number;

  constructor(
    readonly file: string,
    readonly text: string,
    /** Of a define: the position of its name. */
    readonly origin: Position | undefined = undefined,
    /** Of a define: its name, so that it does not expand within itself. */
    readonly define: string | undefined = undefined,
    /** What lines of the text are in the file; undefined where they are the same. */
    private readonly lines: readonly number[] | undefined = undefined,
  ) {
    this.line = 1;
    this.lineStart = 0;
    this.lineEnd = endOfLine(text, 0);
  }

  /** Whether all of it has been read. */
  get ended(): boolean {
    return this.at >= this.text.length;
  }

  /** Position of the character at `offset`, which must not lie before one that was asked for. */
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

  /** The rest of the line, lines that end in a backslash joined; the position is after its end afterwards. */
  restOfLine(): string {
    let line = '';
    for (;;) {
      let end = this.text.indexOf('\n', this.at);
      if (end < 0) end = this.text.length;
      const part = this.text.slice(this.at, end).replace(/\r$/, '');
      this.at = Math.min(end + 1, this.text.length);
      if (!part.endsWith('\\') || this.ended) return line + part;
      line += `${part.slice(0, -1)}\n`;
    }
  }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}
