import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { ConfigurationTree, RouteKind } from './ast.js';
import type { Dialect } from './dialect.js';
import type { FileFacts, FunctionTable } from './function-table.js';
import type { CfgProblem } from './problem.js';
import type { CompiledRoute, ScriptBounds, ScriptRun } from './runtime.js';

/** The routes of a configuration file as closures. */
export interface CompiledScript<Run extends ScriptRun = ScriptRun> {
  readonly routes: readonly CompiledRoute<Run>[];
  /** A route by kind and name; undefined when there is none. */
  route(kind: RouteKind, name?: string): CompiledRoute<Run> | undefined;
  /** A named request route to be called from within another, as route(name) does; undefined when there is none. */
  subRoute(name: string): NamedRoute<Run> | undefined;
}

/** A route that others call by its name. */
export interface NamedRoute<Run extends ScriptRun = ScriptRun> {
  /** Runs it within the depth and the work the run has left; the result is its return code. */
  call(run: Run): Promise<number>;
}

/** What a configuration file is compiled against. */
export interface CompileOptions<Run extends ScriptRun = ScriptRun> {
  readonly dialect: Dialect;
  readonly functions: FunctionTable<Run>;
  /** Variables of modules and of the transaction, in addition to those of src/pvar or instead of them. */
  readonly variables?: ReadonlyMap<string, VariableDefinition>;
  /** "log": an unknown function is logged when it is called and returns -1; by default it is refused at load. */
  readonly unknownFunctions?: 'refuse' | 'log';
  readonly bounds?: Partial<ScriptBounds>;
  /** Names of variables that are not there in this file. */
  readonly hiddenVariables?: ReadonlySet<string>;
  readonly facts?: FileFacts;
  /** Named routes that modules enter by themselves. */
  readonly entered?: readonly string[];
  /** Calls `run.trace` for each statement. */
  readonly traced?: boolean;
}

/** What compileScript returns: a script when no problem is an error. */
export interface Compilation<Run extends ScriptRun = ScriptRun> {
  readonly script: CompiledScript<Run> | undefined;
  readonly problems: readonly CfgProblem[];
}

/** `compileScript` in compile/script.ts. */
export type CompileScript = <Run extends ScriptRun>(
  tree: ConfigurationTree,
  options: CompileOptions<Run>,
) => Compilation<Run>;
