import type { ConfigurationTree, Position, RouteKind } from './ast.js';
import type { Dialect } from './dialect.js';
import type { FunctionTable } from './function-table.js';
import type { CfgProblem } from './problem.js';
import type { RouteOutcome, ScriptBounds, ScriptRun } from './runtime.js';

/** A route ready to run. */
export interface CompiledRoute<Run extends ScriptRun = ScriptRun> {
  readonly kind: RouteKind;
  readonly name: string | undefined;
  /** Seconds of a timer route. */
  readonly interval: number | undefined;
  readonly at: Position;
  /** Whether a function in it, or in a route it calls, may wait. Otherwise `run` never returns a promise. */
  readonly waits: boolean;
  /** Never throws. The code it returned is in `run.returned`. */
  run(run: Run): RouteOutcome | Promise<RouteOutcome>;
}

export interface CompiledScript<Run extends ScriptRun = ScriptRun> {
  readonly routes: readonly CompiledRoute<Run>[];
  /** A route by kind and name; undefined when there is none. */
  route(kind: RouteKind, name?: string): CompiledRoute<Run> | undefined;
}

export interface CompileOptions<Run extends ScriptRun = ScriptRun> {
  readonly dialect: Dialect;
  readonly functions: FunctionTable<Run>;
  /** "log": an unknown function is logged when it is called and returns -1; by default it is refused at load. */
  readonly unknownFunctions?: 'refuse' | 'log';
  readonly bounds?: Partial<ScriptBounds>;
}

/** What compileScript returns: a script when no problem is an error. */
export interface Compilation<Run extends ScriptRun = ScriptRun> {
  readonly script: CompiledScript<Run> | undefined;
  readonly problems: readonly CfgProblem[];
}

/** `compileScript` in compile.ts. */
export type CompileScript = <Run extends ScriptRun>(
  tree: ConfigurationTree,
  options: CompileOptions<Run>,
) => Compilation<Run>;
