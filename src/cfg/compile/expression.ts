import type { PvarValue } from '../../pvar/context.js';
import type { Format } from '../../pvar/format.js';
import type { ScriptRun } from '../runtime.js';
import type { Result, StaticType } from '../semantics/operators.js';

/** An expression, compiled. */
export interface CompiledExpression {
  readonly type: StaticType;
  /** Its value when it does not depend on the message; undefined otherwise. */
  readonly constant: PvarValue | undefined;
  read(run: ScriptRun): Result;
  /** It calls a function or a route, so that it may end the script. */
  readonly calls: boolean;
  /** Of a call that may wait: how to read it then. */
  readonly later?: ((run: ScriptRun) => Promise<Result>) | undefined;
  /** Of a lone variable. */
  readonly variable?: Format | undefined;
  /** Of a variable whose empty text counts as the number 0. */
  readonly emptyIsZero?: boolean | undefined;
  /** Of a call, and of what counts as a truth value already. */
  readonly test?: ((run: ScriptRun) => boolean) | undefined;
}

/** The condition of an if or a while, compiled. */
export interface CompiledCondition {
  test(run: ScriptRun): boolean;
  /** Whether it calls something, so that `run.stop` must be looked at. */
  readonly calls: boolean;
  readonly later?: ((run: ScriptRun) => Promise<boolean>) | undefined;
}

/** An expression that always has this value. */
export function constantExpression(value: string | number | null): CompiledExpression {
  const type = value === null ? 'null' : typeof value === 'number' ? 'int' : 'string';
  return { type, constant: value, read: () => value, calls: false };
}
