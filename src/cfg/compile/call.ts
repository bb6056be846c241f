import type { ScriptRun } from '../runtime.js';

/** A compiled call of a function or route. It sets $rc, and sets `run.stop` when it ends the script. */
export interface CompiledCall {
  invoke(run: ScriptRun): number;
  /** Variant of `invoke` for a call that may wait; returns a promise only when it does wait. */
  readonly invokeLater?: ((run: ScriptRun) => number | Promise<number>) | undefined;
}
