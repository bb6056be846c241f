import type { FunctionCall } from '../../cfg/ast.js';
import { compilePosix } from '../../core/posix-regex.js';
import type { MatchTest } from './match.js';

/** A selection on a way through the script. */
export interface Selection {
  readonly call: FunctionCall;
  /** Arguments with what the script assigned before filled in; undefined for one that is computed. */
  readonly args: readonly (string | undefined)[];
  /** Selections of the ways on which this one finds nothing, in order. */
  readonly fallbacks: Selection[];
  /** What the caller gets where nothing can be selected. */
  reject: Reply | undefined;
  /** Why it cannot become a rule. */
  problem: string | undefined;
}

export interface Reply {
  readonly code: number;
  readonly reason: string;
}

/** What is known on one way through the script, for requests that begin a dialog. */
export interface Path {
  /** Entries of `match` that hold on it. */
  readonly match: ReadonlyMap<string, string>;
  /** Literal values of script variables. */
  readonly constants: ReadonlyMap<string, string>;
  readonly recordRoute: boolean;
  /** Name of the failure route that is armed. */
  readonly failureRoute: string | undefined;
  readonly selection: Selection | undefined;
  /** This is the way that is taken where this selection finds nothing. */
  readonly failed: Selection | undefined;
  /** What is selected on it instead. */
  readonly fallback: Selection | undefined;
  readonly reply: Reply | undefined;
}

export const START: Path = {
  match: new Map(),
  constants: new Map(),
  recordRoute: false,
  failureRoute: undefined,
  selection: undefined,
  failed: undefined,
  fallback: undefined,
  reply: undefined,
};

/** How a way ends. */
export type Ending = 'relay' | 'stateless' | 'reply' | 'nothing' | 'unknown';

/** Ways on which a test holds, one for each of its values, before the way on which it does not; undefined: unknown. */
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
