import type { FunctionCall, Statement } from '../../cfg/ast.js';
import { compilePosix } from '../../core/posix-regex.js';
import type { MatchTest } from './match.js';
import { type NumberChange, sameNumber, UNCHANGED } from './number.js';

/** A selection on a path through the script. */
export interface Selection {
  readonly call: FunctionCall;
  /** Arguments, with variables replaced by values assigned before; undefined for one that is computed. */
  readonly args: readonly (string | undefined)[];
  /** Selections to try, in order, when this one finds nothing. */
  readonly fallbacks: Selection[];
  /** The reply to the caller when nothing can be selected. */
  reject: Reply | undefined;
  /** Why it cannot become a rule. */
  problem: string | undefined;
}

/** A reply by a script: final status code and reason phrase. */
export interface Reply {
  readonly code: number;
  readonly reason: string;
}

/** What is known at one point of a path through the script, for requests that begin a dialog. */
export interface Path {
  /** Entries of `match` that hold. */
  readonly match: ReadonlyMap<string, string>;
  /** Literal values of script variables. */
  readonly constants: ReadonlyMap<string, string>;
  readonly recordRoute: boolean;
  /** Name of the failure route that is set. */
  readonly failureRoute: string | undefined;
  readonly selection: Selection | undefined;
  /** This path is taken when this selection finds nothing. */
  readonly failed: Selection | undefined;
  /** The selection used instead. */
  readonly fallback: Selection | undefined;
  /** A reply of the script that no rule can send. */
  readonly inexpressibleReply?: string;
  readonly reply: Reply | undefined;
  /** Changes of the number so far. */
  readonly number: NumberChange;
  /** A change of the request-URI that no rule can express. */
  readonly rewritten: string | undefined;
  /** Whether the last call was that of `selection` or `fallback`: $rc is then its result. */
  readonly justSelected: boolean;
}

/** The beginning of a path: nothing is known. */
export const START: Path = {
  match: new Map(),
  constants: new Map(),
  recordRoute: false,
  failureRoute: undefined,
  selection: undefined,
  failed: undefined,
  fallback: undefined,
  reply: undefined,
  number: UNCHANGED,
  rewritten: undefined,
  justSelected: false,
};

/** How a path ends. */
export type Ending = 'relay' | 'stateless' | 'reply' | 'nothing' | 'unknown';

/**
 * Splits a path at a test: one for each of its values, and before them the path on which it does not hold; undefined:
 * unknown.
 */
export function split(
  path: Path,
  { variable, values }: MatchTest,
): { readonly path: Path; readonly holds: boolean }[] | undefined {
  const known = path.match.get(variable);
  if (known !== undefined) {
    if (values.includes(known)) return [{ path, holds: true }];
    if (isPattern(known)) return undefined;
    const verdicts = values.map((value) => satisfies(known, value));
    return verdicts.includes(undefined) ? undefined : [{ path, holds: verdicts.includes(true) }];
  }
  const ways = values.map((value) => ({
    path: { ...path, match: new Map([...path.match, [variable, value]]) },
    holds: true,
  }));
  return [...ways, { path, holds: false }];
}

function isPattern(value: string): boolean {
  return /^\/.*\/i?$/s.test(value) || value.includes('/');
}

function satisfies(known: string, value: string): boolean | undefined {
  const regex = /^\/(.*)\/(i?)$/s.exec(value);
  if (regex === null) return isPattern(value) ? undefined : known === value;
  try {
    return compilePosix(regex[1] as string, { ignoreCase: regex[2] === 'i' }).test(known);
  } catch {
    return undefined;
  }
}

/** A path with the value of a condition on it. */
export interface Branch {
  readonly path: Path;
  readonly holds: boolean | 'unknown';
}

/** The path without the values of variables that these statements may assign. */
export function withoutAssigned(path: Path, statements: readonly Statement[]): Path {
  const constants = new Map(path.constants);
  const forget = (list: readonly Statement[]): void => {
    for (const statement of list) {
      if (statement.kind === 'assign') constants.delete(statement.target.text);
      else if (statement.kind === 'if') forget([...statement.body, ...(statement.otherwise ?? [])]);
      else if (statement.kind === 'while' || statement.kind === 'for') forget(statement.body);
      else if (statement.kind === 'switch') forget(statement.cases.flatMap(({ body }) => body));
    }
  };
  forget(statements);
  return { ...path, constants };
}

/**
 * Joins the paths at the end on which "a && b" does not hold: no rule has to distinguish which part failed. Paths
 * before one on which it holds remain, since a rule must match them first.
 */
export function joinedFalse(branches: readonly Branch[], path: Path): readonly Branch[] {
  let end = branches.length;
  while (end > 0 && branches[end - 1]?.holds === false) end--;
  const fails = branches.slice(end);
  const same = fails.every((each) => each.path.selection === path.selection && each.path.failed === path.failed);
  if (fails.length < 2 || !same || fails.at(-1)?.path.match !== path.match) return branches;
  return [...branches.slice(0, end), { path, holds: false }];
}

/** The path with the value of the negated condition. */
export function negated({ path, holds }: Branch): Branch {
  return { path, holds: holds === 'unknown' ? holds : !holds };
}

/** Whether the request-URI has been changed. */
export function isChanged({ number, rewritten }: Path): boolean {
  return rewritten !== undefined || !sameNumber(number, UNCHANGED);
}

/** The path after a call in a condition, whose result is now in $rc. */
export function behindCall(branch: Branch): Branch {
  return branch.path.justSelected ? { ...branch, path: { ...branch.path, justSelected: false } } : branch;
}
