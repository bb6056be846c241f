import type { Position } from './ast.js';

/** Something that is wrong with a configuration file. */
export interface CfgProblem {
  /** error: the file does not run; warning: it runs, and this is without effect or not as meant. */
  readonly severity: 'error' | 'warning';
  /** Stable name of the kind of problem, for tests and reports. */
  readonly code: CfgProblemCode;
  readonly at: Position;
  /** Lower case; says what and which. */
  readonly message: string;
  /** Kamailio finds it when it starts, after all that is found while the file is read. */
  readonly atStart?: boolean;
}

/** Kinds of problems in a configuration file, for tools. */
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
  | 'no-effect';

/** What Kamailio looks at when the whole file has been read. */
const AT_START: ReadonlySet<CfgProblemCode> = new Set(['unknown-route', 'regex', 'unbalanced']);

/**
 * Problems in the order in which Kamailio finds them: those of the grammar, of names and of types while it reads the file, then those
 * of what it resolves when it starts; each in the order of the lines. Conditions that are not balanced it counts when it has read the file. `files`: in the order in which they were read.
 */
export function asKamailioFindsThem(problems: readonly CfgProblem[], files: readonly string[]): CfgProblem[] {
  const rank = ({ code, atStart }: CfgProblem): number => (code === 'unbalanced' ? 1 : atStart === true ? 2 : 0);
  return [...problems].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      files.indexOf(a.at.file) - files.indexOf(b.at.file) ||
      a.at.line - b.at.line ||
      a.at.column - b.at.column,
  );
}

/** Text of the file as part of a message: cut short, control characters replaced. */
function oneLine(message: string): string {
  const clean = message.replace(/[^\x20-\x7e]/g, '.');
  return clean.length > 400 ? `${clean.slice(0, 397)}...` : clean;
}

/** "file:line:column: message", as it is shown to a user. */
export function problemText({ at, message }: CfgProblem): string {
  return `${at.file}:${at.line}:${at.column}: ${message}`;
}

/** Collects problems; a file with thousands of them is cut short. */
export class Problems {
  readonly list: CfgProblem[] = [];
  private static readonly MOST = 1000;

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

  private add(problem: CfgProblem): void {
    if (this.list.length < Problems.MOST) this.list.push({ ...problem, message: oneLine(problem.message) });
  }
}
