import { nearest } from '../core/nearest.js';
import type { BoundedRegex } from '../core/posix-regex.js';
import type { PvarValue } from '../pvar/context.js';
import type { Format } from '../pvar/format.js';
import type { Position, RouteKind } from './ast.js';
import type { ScriptRun } from './runtime.js';

/** The two languages by name. */
export type DialectName = 'opensips' | 'kamailio';

/**
 * What a parameter takes. "int" and "string" may be given as a literal or as a variable ("string" is a format: variables
 * in it are replaced); "literal" is text used as written; "variable" is one variable that can be read, "writable" one that
 * can be written; "regex" is compiled at load when it holds no variable; "flag" is a number or a declared name; "route" is the
 * name of a route, which must be defined in the given kind; "expression" is anything.
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

/** A parameter of a script function: what its argument may be, checked when a file is loaded. */
export interface ParameterDefinition {
  /** For messages and the reference page. */
  readonly name: string;
  readonly kind: ParameterKind;
  readonly optional?: boolean;
  /** Of kind "route": the kind of route that is named. */
  readonly route?: RouteKind;
  /** A number must be given as a number and a string as a string, in every dialect (functions of Kamailio's core). */
  /** Of a pattern in Kamailio: taken as it stands, whatever the letter case; true: line by line. */
  readonly lines?: boolean;
  readonly strict?: boolean;
  /** Of a string: last generation of OpenSIPS that takes a number (see `Dialect.generation`). */
  readonly numbersUntil?: number;
  /** Values a constant may have, compared without letter case: log levels and the like. */
  readonly values?: readonly string[];
  /** Checks a constant at load; returns what is wrong with it. */
  check?(constant: string | number): string | undefined;
}

/** An argument ready to be read while a message is handled. */
export interface CompiledArgument<Run extends ScriptRun = ScriptRun> {
  readonly at: Position;
  /** As written, quotes taken off. */
  readonly text: string;
  /** Its value when it does not depend on the message. */
  readonly constant: string | number | undefined;
  /** Its value with its type; null for a variable that is not set. */
  value(run: Run): PvarValue;
  /** As text; "<null>" (OpenSIPS) or "" for a variable that is not set is up to the dialect. */
  string(run: Run): string;
  /** As an integer; undefined for what is none. */
  int(run: Run): number | undefined;
  /** The variable itself, of kinds "variable" and "writable". */
  readonly variable: Format | undefined;
  /** It is a variable without quotes, whose type counts. */
  readonly bare: boolean;
  /** Of kind "regex" the expression; of one with variables that of this message, undefined when it is not valid. */
  regex(run: Run): BoundedRegex | undefined;
}

/** What OpenSIPS' documentation says of a function. */
export interface DocumentedSignature {
  /** Modules that have it, with "|" between them. */
  readonly module: string;
  readonly routes: readonly RouteKind[];
}

/** Where a function is called. */
export interface CallSite {
  readonly at: Position;
  readonly dialect: DialectName;
  /** See `Dialect.generation`. */
  readonly generation: number;
  /** Kinds of routes from which this call is reached. */
  readonly routes: ReadonlySet<RouteKind>;
  readonly facts: FileFacts;
  /** Name of the function that ran last before it; "" where something else was done, or undefined where that is not known. */
  readonly after?: string | undefined;
}

/** What the head of a file says that calls are checked against. */
export interface FileFacts {
  /** Sockets as switchyard.json writes them; undefined when they are not known. */
  readonly sockets: readonly string[] | undefined;
  /** Requests may be forwarded without a transaction. */
  readonly statelessForward: boolean;
  /** Whether the file sets a parameter of a module; undefined where no file is at hand. */
  hasParameter?(module: string, name: string): boolean;
  /** The last value the file gives a parameter of a module. */
  parameter?(module: string, name: string): string | number | undefined;
  /** Folder of the main file. */
  readonly folder?: string;
  /** The file is of a Kamailio after the recorded one. */
  readonly later?: boolean;
  /** assert() is looked at; it is unless this is false. */
  readonly asserts?: boolean;
  /** A call in an expression has the value it returned, and any but 0 is true (Kamailio's return_mode 1). */
  readonly plainReturns?: boolean;
}

/**
 * What a function returns: above 0 true, below 0 false; 0 ends the script, as exit does. A function with `waits` may
 * return a promise.
 */
export type FunctionClosure<Run extends ScriptRun = ScriptRun> = (run: Run) => number | Promise<number>;

/** With how many arguments, and in which routes, Kamailio was observed to accept a function. */
export interface RecordedSignature {
  /** The module that has it. */
  readonly module: string;
  readonly counts: readonly number[];
  /** Whether it is accepted in a route; `nameless`: of the onreply routes the one that has no name. */
  inRoute(count: number, kind: RouteKind, nameless: boolean): boolean;
  /** Why a constant is refused as an argument; undefined when it is not. */
  refuses(index: number, text: string): string | undefined;
  /** Whether an argument may be an expression that is computed for each message: `"sip:" + $var(host)`. */
  computes(index: number): boolean;
}

/** One function of a script, for both dialects or for one. */
export interface FunctionDefinition<Run extends ScriptRun = ScriptRun> {
  readonly name: string;
  /** "core", or the module whose documentation describes it; "sl|signaling" when each of several has it. */
  readonly module: string;
  readonly dialects: readonly DialectName[];
  readonly parameters: readonly ParameterDefinition[];
  /** Kinds of routes it may be called from. */
  readonly routes: readonly RouteKind[] | 'any';
  /** What counts instead of `routes`, and besides `parameters`, in Kamailio's dialect. */
  readonly recorded?: RecordedSignature | undefined;
  /** The first version of Kamailio that has it, when the recorded one has it not: "5.7", "6.0". */
  readonly since?: string;
  /** One sentence for the reference page. */
  readonly summary: string;
  /** What OpenSIPS' documentation says, where it differs. */
  readonly documented?: DocumentedSignature | undefined;
  /** Its result may be a promise: only then is anything awaited. */
  readonly waits?: boolean;
  /** What it does in place of what its name says: "answers 501". */
  readonly standIn?: string;
  /** OpenSIPS' async() and launch() may have it. */
  readonly async?: boolean;
  /** Last generation of OpenSIPS that has it (see `Dialect.generation`). */
  readonly until?: number;
  /** A core function that leaves $rc as it is (Kamailio's strip, prefix and the like). */
  readonly keepsReturnCode?: boolean;
  /** Throws an Error with the reason when the arguments do not fit together. Arguments that are left out are undefined. */
  compile(args: readonly (CompiledArgument<Run> | undefined)[], site: CallSite): FunctionClosure<Run>;
}

/** Functions by name and dialect. A name may have several definitions in a dialect when their parameter counts differ. */
export class FunctionTable<Run extends ScriptRun = ScriptRun> {
  private readonly byName: ReadonlyMap<DialectName, Map<string, FunctionDefinition<Run>[]>> = new Map([
    ['opensips', new Map()],
    ['kamailio', new Map()],
  ]);

  constructor(readonly all: readonly FunctionDefinition<Run>[]) {
    for (const definition of all) {
      for (const dialect of definition.dialects) {
        const names = this.byName.get(dialect) as Map<string, FunctionDefinition<Run>[]>;
        const same = names.get(definition.name);
        if (same === undefined) names.set(definition.name, [definition]);
        else same.push(definition);
      }
    }
  }

  /** Whether any function of that name may wait. */
  waits(dialect: DialectName, name: string): boolean {
    return this.find(dialect, name).some((each) => each.waits === true);
  }

  /** All definitions of a name in a dialect; empty for one that is not known. */
  find(dialect: DialectName, name: string): readonly FunctionDefinition<Run>[] {
    return this.byName.get(dialect)?.get(name) ?? [];
  }

  /** The name that was probably meant. */
  near(dialect: DialectName, name: string, generation: number): string | undefined {
    const names = [...(this.byName.get(dialect) ?? [])]
      .filter(
        ([each, definitions]) => each !== name && definitions.some(({ until = generation }) => until >= generation),
      )
      .map(([each]) => each);
    return nearest(name, names);
  }
}

/** Least and most number of arguments. */
export function argumentRange(parameters: readonly ParameterDefinition[]): readonly [least: number, most: number] {
  const required = parameters.findLastIndex(({ optional }) => optional !== true) + 1;
  return [required, parameters.length];
}
