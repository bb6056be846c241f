import type { ScriptRun, Signal } from '../runtime.js';

/** A statement, compiled. One that waits may return a promise. */
export interface CompiledStatement {
  readonly waits: boolean;
  run(run: ScriptRun): Signal | Promise<Signal>;
}

/** A compiled statement: carries it out and says how it went on. */
export type StatementClosure = (run: ScriptRun) => Signal;
