import type { Position } from '../../cfg/ast.js';

/** Something the operator must check. */
export interface Remark {
  readonly file: string;
  /** undefined: it concerns the whole file. */
  readonly line: number | undefined;
  readonly text: string;
}

/** Collects remarks during an import. Nothing is dropped without one. */
export class Ledger {
  /** What was not imported. */
  readonly left: Remark[] = [];
  /** What was imported with a difference. */
  readonly notes: Remark[] = [];
  private readonly seen = new Set<string>();
  /** Remarks that occur on several lines, by text, to be reported once with all lines. */
  private readonly repeated = new Map<string, { readonly at: Position; readonly lines: Set<number> }>();

  constructor(readonly file: string) {}

  /** Reports that something at a position was not imported. */
  leave(at: Position | undefined, text: string): void {
    this.add(this.left, at, text);
  }

  /** The same for something that occurs on many lines: one remark has them all. */
  leaveRepeated(at: Position, text: string): void {
    const known = this.repeated.get(`${at.file} ${text}`) ?? { at, lines: new Set<number>() };
    known.lines.add(at.line);
    this.repeated.set(`${at.file} ${text}`, known);
  }

  /** Reports that something was imported with a difference. */
  note(at: Position | undefined, text: string): void {
    this.add(this.notes, at, text);
  }

  /** Completes the remarks with several lines, and sorts all by position. */
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

/** For example "FILE line N: text". */
export function remarkText({ file, line, text }: Remark): string {
  return `${file}${line === undefined ? '' : ` line ${line}`}: ${text}`;
}
