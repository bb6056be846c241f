import { nearest } from '../core/nearest.js';
import type { Position } from './ast.js';

/** A problem of a configuration file. */
export interface CfgProblem {
  /** error: the file cannot be run; warning: it can, but something has no effect or not the intended one. */
  readonly severity: 'error' | 'warning';
  /** Stable name of the kind of problem, for tests and reports. */
  readonly code: CfgProblemCode;
  readonly at: Position;
  /** Starts in lower case; says what is wrong and with which element. */
  readonly message: string;
  /** Whether Kamailio finds the problem at its start, after all those it finds while it reads the file. */
  readonly atStart?: boolean;
}

/** Kinds of problems, for tools. */
export type CfgProblemCode =
  | 'syntax'
  | 'preprocessor'
  | 'unbalanced'
  | 'include'
  | 'too-large'
  | 'unknown-function'
  | 'argument-count'
  | 'argument-type'
  | 'route-kind'
  | 'unknown-route'
  | 'duplicate-route'
  | 'variable'
  | 'read-only'
  | 'regex'
  | 'expression'
  | 'setting'
  | 'tls-demand'
  | 'tls-otherwise'
  | 'not-done'
  | 'no-effect';

/** What Kamailio checks after it has read the whole file. */
const AT_START: ReadonlySet<CfgProblemCode> = new Set(['unknown-route', 'regex', 'unbalanced']);

/**
 * Sorts problems in the order in which Kamailio finds them. While it reads the file: syntax, names and types. Then
 * unbalanced conditions ("#!ifdef"), then what it resolves at its start. Within each group they are in the order of the
 * lines. `files`: in the order in which they were read.
 */
export function inKamailioOrder(problems: readonly CfgProblem[], files: readonly string[]): CfgProblem[] {
  const rank = ({ code, atStart }: CfgProblem): number => (code === 'unbalanced' ? 1 : atStart === true ? 2 : 0);
  return [...problems].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      files.indexOf(a.at.file) - files.indexOf(b.at.file) ||
      a.at.line - b.at.line ||
      a.at.column - b.at.column,
  );
}

/** A text of the file as part of a message: shortened, control characters replaced. */
function oneLine(message: string): string {
  const clean = message.replace(/[^\x20-\x7e]/g, '.');
  return clean.length > 400 ? `${clean.slice(0, 397)}...` : clean;
}

/** "file:line:column: message", as users see it. */
export function problemText({ at, message }: CfgProblem): string {
  return `${at.file}:${at.line}:${at.column}: ${message}`;
}

/** Collects problems; there is a maximum number. */
export class Problems {
  readonly list: CfgProblem[] = [];
  private static readonly MAX_LISTED = 1000;
  private refused: boolean | undefined;

  /** A problem that keeps the file from being used. */
  error(code: CfgProblemCode, at: Position, message: string, atStart = AT_START.has(code)): void {
    this.add({ severity: 'error', code, at, message, ...(atStart ? { atStart } : {}) });
  }

  /** A problem that leaves the file usable. */
  warning(code: CfgProblemCode, at: Position, message: string): void {
    this.add({ severity: 'warning', code, at, message });
  }

  /** Whether the file runs. */
  get ok(): boolean {
    return this.list.every(({ severity }) => severity !== 'error');
  }

  /** Whether further problems would not be listed. */
  get full(): boolean {
    return this.list.length >= Problems.MAX_LISTED;
  }

  /** Whether it is decided that the file does not run, and further problems would not be listed. */
  get decided(): boolean {
    if (!this.full) return false;
    this.refused ??= !this.ok;
    return this.refused;
  }

  /** The candidate probably meant by a misspelt name, for a message; none for problems that are not listed. */
  similar(name: string, candidates: () => Iterable<string>): string | undefined {
    return this.full ? undefined : nearest(name, candidates());
  }

  private add(problem: CfgProblem): void {
    if (this.list.length < Problems.MAX_LISTED) this.list.push({ ...problem, message: oneLine(problem.message) });
  }
}
