import type { RouteKind } from '../../cfg/ast.js';
import type { CallSite, ParameterDefinition, ParameterKind } from '../../cfg/function-table.js';

/** A parameter of a function that both script languages have. */
export interface SharedParameter extends ParameterDefinition {
  /**
   * 'number': the function gets a number, or undefined for a text that is not one; 'integer': also for the text
   * of a variable; 'value': the text, or undefined for a variable that is not set. Otherwise it gets the text with its
   * variables replaced. For the kind "writable" it gets the variable, for "regex" a test of a text. An omitted argument
   * is undefined.
   */
  readonly as?: 'number' | 'integer' | 'value';
}

/** A function for cfg files and for JavaScript. `Site` is the type of the object it works on: see `site.ts`. */
export interface SharedFunction<Site = never, Result = number> {
  readonly parameters: readonly SharedParameter[];
  /** Kinds of routes in which it may be called, by their names in cfg files. */
  readonly routes: readonly RouteKind[] | 'any';
  /** One sentence for the reference page. */
  readonly summary: string;
  /** Last generation of OpenSIPS that has it. */
  readonly until?: number;
  /** Whether it leaves the return code of a cfg file unchanged. */
  readonly keepsReturnCode?: boolean;
  /** Whether its result in a cfg file may be a promise. */
  readonly waits?: boolean;
  /**
   * Checks the constant arguments of a call in a cfg file at load; an argument that is not constant is undefined.
   * Returns the error, if any.
   */
  check?(constants: readonly (string | number | undefined)[], site: CallSite): string | undefined;
  /** For a call with only constant arguments: prepares at load what is done for each message. */
  prepare?(...constants: string[]): (site: Site) => Result;
  /**
   * Runs the function; arguments are in the order of `parameters`. Returns the code of the original: above 0 true,
   * below 0 false.
   */
  run(site: Site, ...args: never[]): Result;
}

/** Functions by their names. */
export type SharedFunctions<Site = never, Result = number> = Readonly<Record<string, SharedFunction<Site, Result>>>;

/** A required parameter. */
export function param(name: string, kind: ParameterKind, more: Partial<SharedParameter> = {}): SharedParameter {
  return { name, kind, ...more };
}

/** An optional parameter. */
export function optional(name: string, kind: ParameterKind, more: Partial<SharedParameter> = {}): SharedParameter {
  return { name, kind, optional: true, ...more };
}

/** The code for success or failure. */
export function code(good: boolean): number {
  return good ? 1 : -1;
}
