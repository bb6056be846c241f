import type { Position } from '../../cfg/ast.js';

/** Something a person has to look at. */
export interface Remark {
  readonly file: string;
  /** undefined where it concerns the whole file. */
  readonly line: number | undefined;
  readonly text: string;
}

/** What became of a configuration that is carried over. Nothing is dropped without an entry here. */
export class Ledger {
  /** What was not carried over. */
  readonly left: Remark[] = [];
  /** What was carried over with a difference. */
  readonly notes: Remark[] = [];
  private readonly seen = new Set<string>();
  /** Lines by what stands on them, for entries that are reported once with all their lines. */
  private readonly repeated = new Map<string, { readonly at: Position; readonly lines: Set<number> }>();

  constructor(readonly file: string) {}

  /** Says that what stands at a position was not carried over. */
  leave(at: Position | undefined, text: string): void {
    this.add(this.left, at, text);
  }

  /** The same for what stands in many lines: one entry names them all. */
  leaveRepeated(at: Position, text: string): void {
    const known = this.repeated.get(`${at.file} ${text}`) ?? { at, lines: new Set<number>() };
    known.lines.add(at.line);
    this.repeated.set(`${at.file} ${text}`, known);
  }

  /** Says how something was carried over that is not quite the same here. */
  note(at: Position | undefined, text: string): void {
    this.add(this.notes, at, text);
  }

  /** Closes the entries that name several lines, and puts all in the order of the files. */
  close(): void {
    for (const [key, { at, lines }] of this.repeated) {
      const others = [...lines].sort((a, b) => a - b).slice(1);
      const shown = others.slice(0, 20).join(', ') + (others.length > 20 ? ' ...' : '');
      const more = others.length === 0 ? '' : ` (also ${others.length === 1 ? 'line' : 'lines'} ${shown})`;
      const first = { ...at, line: Math.min(...lines) };
      this.leave(first, `${key.slice(at.file.length + 1)}${more}`);
    }
    this.repeated.clear();
    const order = (a: Remark, b: Remark) =>
      a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) : a.file === this.file ? -1 : 1;
    this.left.sort(order);
    this.notes.sort(order);
  }

  private add(list: Remark[], at: Position | undefined, text: string): void {
    const remark = { file: at?.file ?? this.file, line: at?.line, text };
    const key = JSON.stringify(remark);
    if (this.seen.has(key)) return;
    this.seen.add(key);
    list.push(remark);
  }
}

/** "FILE line N: text" */
export function remarkText({ file, line, text }: Remark): string {
  return `${file}${line === undefined ? '' : ` line ${line}`}: ${text}`;
}
