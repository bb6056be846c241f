import { nearest } from '../core/nearest.js';
import type { BoundedRegex } from '../core/posix-regex.js';
import type { PvarValue } from '../pvar/context.js';
import type { Format } from '../pvar/format.js';
import type { Position, RouteKind } from './ast.js';
import type { ScriptRun } from './runtime.js';

/** The two languages by name. */
export type DialectName = 'opensips' | 'kamailio';

/**
 * What a parameter accepts. "int" and "string" may be a literal or a variable ("string" is a format, in which variables
 * are replaced). "literal" is a text used as written. "variable" is one readable variable, "writable" one that can be
 * written. "regex" is compiled at load when it contains no variable. "flag" is a number or a declared name. "route" is
 * the name of a route of the given kind, which must exist. "expression" accepts anything.
 */
export type ParameterKind =
  | 'int'
  | 'string'
  | 'literal'
  | 'variable'
  | 'writable'
  | 'regex'
  | 'flag'
  | 'route'
  | 'expression';

/** A parameter of a script function; arguments are checked against it at load. */
export interface ParameterDefinition {
  /** Name in messages and on the reference page. */
  readonly name: string;
  readonly kind: ParameterKind;
  readonly optional?: boolean;
  /** For kind "route": the kind of the named route. */
  readonly route?: RouteKind;
  /**
   * For a pattern: whether "^" and "$" match at each line. When set, Kamailio uses the pattern as written, without
   * variables, and ignores letter case.
   */
  readonly lines?: boolean;
  /**
   * Whether a number must be given as a number, and a string as a string, in every dialect (functions of Kamailio's
   * core).
   */
  readonly strict?: boolean;
  /**
   * For a writable variable: whether a text that does not name a variable is accepted at load too; then nothing is
   * written.
   */
  readonly lenient?: boolean;
  /** For a string: last generation of OpenSIPS that also accepts a number (see `Dialect.generation`). */
  readonly numbersUntil?: number;
  /** Values that a constant may have, compared without letter case: log levels and the like. */
  readonly values?: readonly string[];
  /** Checks a constant at load; returns the error, if any. */
  check?(constant: string | number): string | undefined;
}

/** A compiled argument, read while a message is handled. */
export interface CompiledArgument<Run extends ScriptRun = ScriptRun> {
  readonly at: Position;
  /** As written, without quotes. */
  readonly text: string;
  /** Its value when it does not depend on the message. */
  readonly constant: string | number | undefined;
  /** The value with its type; null for a variable that is not set. */
  value(run: Run): PvarValue;
  /** The value as text. A variable that is not set gives "<null>" (OpenSIPS) or "". */
  string(run: Run): string;
  /** The value as an integer; undefined when it is not one. */
  int(run: Run): number | undefined;
  /** The variable, for the kinds "variable" and "writable". */
  readonly variable: Format | undefined;
  /** Whether it is a variable without quotes, whose type is checked. */
  readonly bare: boolean;
  /**
   * The regular expression, for kind "regex". One with variables is compiled for this message; undefined when it is
   * invalid.
   */
  regex(run: Run): BoundedRegex | undefined;
}

/** What OpenSIPS' documentation says about a function. */
export interface DocumentedSignature {
  /** Modules that have the function, separated by "|". */
  readonly module: string;
  readonly routes: readonly RouteKind[];
}

/** A call in the file, with what is known about it. */
export interface CallSite {
  readonly at: Position;
  readonly dialect: DialectName;
  /** See `Dialect.generation`. */
  readonly generation: number;
  /** Kinds of the entry routes that reach the call. */
  readonly routes: ReadonlySet<RouteKind>;
  readonly facts: FileFacts;
  /**
   * Name of the function that ran last before the call; "" when something else came between; undefined when that is not
   * known.
   */
  readonly after?: string | undefined;
}

/** What the part of the file before the routes says about allowed calls. */
export interface FileFacts {
  /** Sockets in the form of switchyard.json; undefined when they are not known. */
  readonly sockets: readonly string[] | undefined;
  /** Whether requests may be forwarded without a transaction. */
  readonly statelessForward: boolean;
  /** The last value that the file sets for a module parameter; absent when there is no file. */
  parameter?(module: string, name: string): string | number | undefined;
  /** Folder of the main file. */
  readonly folder?: string;
  /** Whether the file is for a Kamailio later than the recorded one. */
  readonly later?: boolean;
  /** false: assert() is ignored. */
  readonly asserts?: boolean;
  /** Whether a call in an expression has its return code as value, and any but 0 is true (Kamailio's return_mode 1). */
  readonly plainReturns?: boolean;
}

/**
 * Runs a function and returns its code: above 0 true, below 0 false; 0 ends the script like exit. A function with
 * `waits` may return a promise.
 */
export type FunctionClosure<Run extends ScriptRun = ScriptRun> = (run: Run) => number | Promise<number>;

/**
 * How Kamailio reads "$" in a constant argument. `format`: each variable is replaced. `variable`: a text that begins
 * with a variable means that variable alone, and the rest is ignored. `text`: the same, but in other texts no variable
 * is replaced. `literal`: no variable is replaced.
 */
export type ArgumentReading = 'format' | 'variable' | 'text' | 'literal';

/** Numbers of arguments and kinds of routes with which Kamailio was observed to accept a function. */
export interface RecordedSignature {
  /** The module that has the function. */
  readonly module: string;
  readonly counts: readonly number[];
  /** Whether the function is accepted in a kind of route; `nameless`: in the onreply route without a name. */
  inRoute(count: number, kind: RouteKind, nameless: boolean): boolean;
  /** Why a constant is refused as an argument; undefined when it is accepted. */
  refuses(index: number, text: string): string | undefined;
  /** Whether an argument may be an expression that is evaluated for each message: `"sip:" + $var(host)`. */
  computes(index: number): boolean;
  /** How "$" in a constant argument is read. */
  reading(index: number): ArgumentReading;
}

/** A function of cfg scripts, for one dialect or both. */
export interface FunctionDefinition<Run extends ScriptRun = ScriptRun> {
  readonly name: string;
  /** "core", or the module that documents it; "sl|signaling" when each of several modules has it. */
  readonly module: string;
  readonly dialects: readonly DialectName[];
  readonly parameters: readonly ParameterDefinition[];
  /** Kinds of routes in which it may be called. */
  readonly routes: readonly RouteKind[] | 'any';
  /** Recorded signature, used for Kamailio's dialect in place of `routes` and in addition to `parameters`. */
  readonly recorded?: RecordedSignature | undefined;
  /** First version of Kamailio that has the function, if the recorded one does not: "5.7", "6.0". */
  readonly since?: string;
  /** One sentence for the reference page. */
  readonly summary: string;
  /** Documented signature of OpenSIPS, where it differs. */
  readonly documented?: DocumentedSignature | undefined;
  /** Whether its result may be a promise. */
  readonly waits?: boolean;
  /** What it does in place of what its name says: "answers 501". */
  readonly standIn?: string;
  /** Whether OpenSIPS' async() and launch() may call it. */
  readonly async?: boolean;
  /** Last generation of OpenSIPS that has it (see `Dialect.generation`). */
  readonly until?: number;
  /**
   * Whether it leaves $rc unchanged, as some functions of Kamailio's core do (strip, prefix and the like). As recorded,
   * isflagset does so in expressions only.
   */
  readonly keepsReturnCode?: boolean | 'in expressions';
  /**
   * Compiles a call. Throws an Error with the reason when the arguments do not fit together. Omitted arguments are
   * undefined.
   */
  compile(args: readonly (CompiledArgument<Run> | undefined)[], site: CallSite): FunctionClosure<Run>;
}

/**
 * Functions by name and dialect. A name may have several definitions in a dialect with different numbers of parameters.
 */
export class FunctionTable<Run extends ScriptRun = ScriptRun> {
  private readonly byName: ReadonlyMap<DialectName, Map<string, FunctionDefinition<Run>[]>> = new Map([
    ['opensips', new Map()],
    ['kamailio', new Map()],
  ]);

  /** `missing`: the module that has a function of this name, if the function is known but not implemented. */
  constructor(
    readonly all: readonly FunctionDefinition<Run>[],
    readonly missing: (name: string, dialect: DialectName) => string | undefined = () => undefined,
  ) {
    for (const definition of all) {
      for (const dialect of definition.dialects) {
        const names = this.byName.get(dialect) as Map<string, FunctionDefinition<Run>[]>;
        const same = names.get(definition.name);
        if (same === undefined) names.set(definition.name, [definition]);
        else same.push(definition);
      }
    }
  }

  /** Whether any function with that name may wait. */
  waits(dialect: DialectName, name: string): boolean {
    return this.find(dialect, name).some((each) => each.waits === true);
  }

  /** All definitions of a name in a dialect; empty for an unknown name. */
  find(dialect: DialectName, name: string): readonly FunctionDefinition<Run>[] {
    return this.byName.get(dialect)?.get(name) ?? [];
  }

  /** The most similar known name, for error messages. */
  near(dialect: DialectName, name: string, generation: number): string | undefined {
    const names = [...(this.byName.get(dialect) ?? [])]
      .filter(
        ([each, definitions]) => each !== name && definitions.some(({ until = generation }) => until >= generation),
      )
      .map(([each]) => each);
    return nearest(name, names);
  }
}

/** Minimum and maximum number of arguments. */
export function argumentRange(parameters: readonly ParameterDefinition[]): readonly [least: number, max: number] {
  const required = parameters.findLastIndex(({ optional }) => optional !== true) + 1;
  return [required, parameters.length];
}
