import type { ScriptRun, Signal } from '../runtime.js';

/** A compiled statement. Returns a promise only if `waits`. */
export interface CompiledStatement {
  readonly waits: boolean;
  run(run: ScriptRun): Signal | Promise<Signal>;
}

/** Runs a statement and returns how the script continues. */
export type StatementClosure = (run: ScriptRun) => Signal;
