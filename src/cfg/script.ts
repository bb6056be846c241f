import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { RouteKind } from './ast.js';
import type { Dialect } from './dialect.js';
import type { FileFacts, FunctionTable } from './function-table.js';
import type { CfgProblem } from './problem.js';
import type { CompiledRoute, ScriptBounds, ScriptRun } from './runtime.js';

/** The compiled routes of a configuration file. */
export interface CompiledScript<Run extends ScriptRun = ScriptRun> {
  readonly routes: readonly CompiledRoute<Run>[];
  /** The route of a kind and name; undefined when there is none. */
  route(kind: RouteKind, name?: string): CompiledRoute<Run> | undefined;
  /**
   * A named request route that can be called from within another route, like route(name); undefined when there is none.
   */
  subRoute(name: string): NamedRoute<Run> | undefined;
}

/** A route that others call by its name. */
export interface NamedRoute<Run extends ScriptRun = ScriptRun> {
  /** Runs the route within the depth and work that the run has left; gives its return code. */
  call(run: Run): Promise<number>;
}

/** Input of `compileScript` besides the tree. */
export interface CompileOptions<Run extends ScriptRun = ScriptRun> {
  readonly dialect: Dialect;
  readonly functions: FunctionTable<Run>;
  /** Variables of modules and transactions; they are added to those of src/pvar or replace them. */
  readonly variables?: ReadonlyMap<string, VariableDefinition>;
  /** "log": a call of an unknown function is logged and returns -1; by default such a file is refused. */
  readonly unknownFunctions?: 'refuse' | 'log';
  readonly bounds?: Partial<ScriptBounds>;
  /** Names of variables that this file cannot use. */
  readonly hiddenVariables?: ReadonlySet<string>;
  readonly facts?: FileFacts;
  /** Named routes that modules run. */
  readonly entered?: readonly EnteredRoute[];
  /** Whether `run.trace` is called for each statement. */
  readonly traced?: boolean;
}

/** A named route that a module runs, and the kind of route whose functions it may call. */
export interface EnteredRoute {
  readonly name: string;
  readonly kind: RouteKind;
}

/** Result of compileScript; `script` is undefined when a problem is an error. */
export interface Compilation<Run extends ScriptRun = ScriptRun> {
  readonly script: CompiledScript<Run> | undefined;
  readonly problems: readonly CfgProblem[];
}
