import type { PvarValue } from '../../pvar/context.js';
import type { Format } from '../../pvar/format.js';
import type { ScriptRun } from '../runtime.js';
import type { Result, StaticType } from '../semantics/operators.js';

/** A compiled expression. */
export interface CompiledExpression {
  readonly type: StaticType;
  /** Its value when it does not depend on the message; undefined otherwise. */
  readonly constant: PvarValue | undefined;
  read(run: ScriptRun): Result;
  /** Whether it calls a function or a route, which may end the script. */
  readonly calls: boolean;
  /** Variant of `read` for an expression with a call that may wait. */
  readonly later?: ((run: ScriptRun) => Promise<Result>) | undefined;
  /** Format of an expression that is a single variable. */
  readonly variable?: Format | undefined;
  /** Whether the empty text counts as the number 0. */
  readonly emptyIsZero?: boolean | undefined;
  /** The truth value, for calls and for operators that give one. */
  readonly test?: ((run: ScriptRun) => boolean) | undefined;
}

/** A compiled condition of an if or while. */
export interface CompiledCondition {
  test(run: ScriptRun): boolean;
  /** Whether it calls something, so that the caller must check `run.stop`. */
  readonly calls: boolean;
  readonly later?: ((run: ScriptRun) => Promise<boolean>) | undefined;
}

/** An expression that always has the same value. */
export function constantExpression(value: string | number | null): CompiledExpression {
  const type = value === null ? 'null' : typeof value === 'number' ? 'int' : 'string';
  return { type, constant: value, read: () => value, calls: false };
}
