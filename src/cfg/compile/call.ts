import type { ScriptRun } from '../runtime.js';

/** A call of a function or a route, compiled. It sets $rc, and `run.stop` when it ends the script. */
export interface CompiledCall {
  invoke(run: ScriptRun): number;
  /** Of one that may wait; a promise only when it does. */
  readonly invokeLater?: ((run: ScriptRun) => number | Promise<number>) | undefined;
}
