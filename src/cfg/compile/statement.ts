import type { ScriptRun, Signal } from '../runtime.js';

/** A statement, compiled. One that waits may answer with a promise. */
export interface CompiledStatement {
  readonly waits: boolean;
  run(run: ScriptRun): Signal | Promise<Signal>;
}

export type StatementClosure = (run: ScriptRun) => Signal;
