import type { Setter } from '../../pvar/variables/definition.js';
import type { Assignment } from '../ast.js';
import { NEXT, type ScriptRun } from '../runtime.js';
import type { ArithmeticOperator, Result } from '../semantics/operators.js';
import type { CompileContext } from './context.js';
import type { CompiledExpression } from './expression.js';
import { bounded } from './operations.js';

/** A compiled assignment. */
export interface CompiledAssignment {
  now(run: ScriptRun): Result;
  readonly later?: ((run: ScriptRun) => Promise<Result>) | undefined;
  readonly calls: boolean;
  /**
   * Assigns in one step, for statements, which do not use the value. Undefined when evaluating the value can end the
   * script.
   */
  readonly carryOut?: ((run: ScriptRun) => void) | undefined;
}

/** Compiles an assignment. Reports a problem to the context for a target that cannot be written. */
export function assignmentOf(
  node: Assignment,
  expressions: {
    value(node: Assignment['value']): CompiledExpression;
    compile(node: Assignment['target']): CompiledExpression;
  },
  context: CompileContext,
): CompiledAssignment {
  const target = context.variable(node.target);
  const value = expressions.value(node.value);
  if (target !== undefined && !target.writable) {
    context.problems.error('read-only', node.target.at, `${node.target.text} is read-only`);
  }
  if (target === undefined || !target.writable) return { now: () => undefined, calls: false };
  const { failureAssignsNull, textTargets } = context.dialect.flow;
  const { calls, later } = value;
  const { at } = node;
  if (node.operator === '=' || node.operator === ':=') {
    const set: Setter =
      node.operator === '=' && target.setter !== undefined
        ? target.setter
        : (pvars, result) => target.replace(pvars, result);
    const asText = node.value.kind === 'variable' && textTargets?.test(node.target.text) === true;
    const put: Setter = asText
      ? (pvars, result) => set(pvars, typeof result === 'number' ? String(result) : result)
      : set;
    const { constant, read } = value;
    if (constant !== undefined) {
      return {
        now: (run) => {
          put(run.pvars, constant);
          return constant;
        },
        calls: false,
        carryOut: (run) => put(run.pvars, constant),
      };
    }
    const finish = (run: ScriptRun, result: Result): Result => {
      if (result === undefined) {
        if (failureAssignsNull) put(run.pvars, null);
      } else if (run.stop === NEXT) put(run.pvars, result);
      return result;
    };
    return {
      now: (run) => finish(run, read(run)),
      later: later === undefined ? undefined : async (run) => finish(run, await later(run)),
      calls,
      carryOut: calls
        ? undefined
        : (run) => {
            const result = read(run);
            if (result !== undefined) put(run.pvars, result);
            else if (failureAssignsNull) put(run.pvars, null);
          },
    };
  }
  const { operators } = context.dialect;
  const own = expressions.compile(node.target);
  const operator = node.operator.slice(0, -1) as ArithmeticOperator;
  const calculate = operators.arithmetic(operator, own.type, value.type);
  const max = context.bounds.text;
  const finish = (run: ScriptRun, before: Result, operand: Result): Result => {
    const result = bounded(calculate(before, operand, run, at), max, run, at);
    if (result !== undefined && run.stop === NEXT) target.assign(run.pvars, result);
    return result;
  };
  return {
    now(run) {
      const before = own.read(run);
      // As recorded, the variable keeps its value when an operand is NULL.
      return before === null ? undefined : finish(run, before, value.read(run));
    },
    later:
      later === undefined
        ? undefined
        : async (run) => {
            const before = own.read(run);
            return before === null ? undefined : finish(run, before, await later(run));
          },
    calls,
  };
}
