import type { RouteKind } from '../../cfg/ast.js';
import type { CallSite, ParameterDefinition, ParameterKind } from '../../cfg/function-table.js';

/** A parameter of a function that both script languages have. */
export interface SharedParameter extends ParameterDefinition {
  /**
   * What the function gets for it: the text with its variables replaced, or a number, undefined for a text that is none.
   * A parameter of kind "writable" is the variable itself, one of kind "regex" what tests a text. What is left out is
   * undefined.
   */
  readonly as?: 'number';
}

/** One function, for cfg files and for JavaScript. `Site` is what it works on: see `site.ts`. */
export interface SharedFunction<Site = never, Result = number> {
  readonly parameters: readonly SharedParameter[];
  /** Kinds of routes it may be called from, by their names in cfg files. */
  readonly routes: readonly RouteKind[] | 'any';
  /** One sentence for the reference page. */
  readonly summary: string;
  /** Last generation of OpenSIPS that has it. */
  readonly until?: number;
  /** In cfg files it leaves the return code as it is. */
  readonly keepsReturnCode?: boolean;
  /** In cfg files its result may be a promise. */
  readonly waits?: boolean;
  /** Looks at the constants of a call in a cfg file, undefined for what is none, at load. Returns what is wrong. */
  check?(constants: readonly (string | number | undefined)[], site: CallSite): string | undefined;
  /** For a call all of whose arguments are constants: what is to be done for each message, worked out at load. */
  prepare?(...constants: string[]): (site: Site) => Result;
  /** Takes the arguments in the order of `parameters`. Returns the code of the original: above 0 true, below 0 false. */
  run(site: Site, ...args: never[]): Result;
}

/** Functions by their names. */
export type SharedFunctions<Site = never, Result = number> = Readonly<Record<string, SharedFunction<Site, Result>>>;

/** A parameter that is always given. */
export function param(name: string, kind: ParameterKind, more: Partial<SharedParameter> = {}): SharedParameter {
  return { name, kind, ...more };
}

/** A parameter that may be left out. */
export function optional(name: string, kind: ParameterKind, more: Partial<SharedParameter> = {}): SharedParameter {
  return { name, kind, optional: true, ...more };
}

/** What a function that succeeded or failed returns. */
export function code(good: boolean): number {
  return good ? 1 : -1;
}
