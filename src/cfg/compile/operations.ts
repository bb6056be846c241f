import type { BoundedRegex } from '../../core/posix-regex.js';
import type { Binary, Position } from '../ast.js';
import { NEXT, type ScriptRun } from '../runtime.js';
import type {
  ArithmeticOperator,
  ComparisonOperator,
  LogicalOperator,
  MatchOperator,
  Result,
  StaticType,
} from '../semantics/operators.js';
import type { CompileContext } from './context.js';
import { type CompiledExpression, constantExpression } from './expression.js';
import { computedRegex } from './regex-cache.js';

/** The two compiled operands of an operator. */
type Operands = readonly [left: CompiledExpression, right: CompiledExpression];

/** Compiles an arithmetic operator, "." or the "+" that concatenates. */
export function calculated(
  { at }: Binary,
  operator: ArithmeticOperator,
  [left, right]: Operands,
  context: CompileContext,
): CompiledExpression {
  const { operators } = context.dialect;
  const run = operators.arithmetic(operator, left.type, right.type);
  const type: StaticType = operators.arithmeticType(operator, left.type, right.type);
  const max = context.bounds.text;
  const { read: first } = left;
  const { read: second, constant: other } = right;
  if (left.constant !== undefined && other !== undefined) {
    let failed = false;
    const faults = {
      fault() {
        failed = true;
      },
    };
    const constant = run(left.constant, other, faults, at);
    if (!failed && constant !== undefined) return { type, constant, read: () => constant, calls: false };
  }
  const calls = left.calls || right.calls;
  if (typeof other === 'number' && (operator === '+' || operator === '-')) {
    const step = operator === '+' ? other : -other;
    const read = (call: ScriptRun): Result => {
      const a = first(call);
      return typeof a === 'number' ? (a + step) | 0 : bounded(run(a, other, call, at), max, call, at);
    };
    return { type, constant: undefined, read, calls };
  }
  const read = (call: ScriptRun): Result => {
    const a = first(call);
    return bounded(run(a, second(call), call, at), max, call, at);
  };
  return { type, constant: undefined, read, calls };
}

/** Compiles a comparison. */
export function compared(
  operator: ComparisonOperator,
  [left, right]: Operands,
  context: CompileContext,
): CompiledExpression {
  const { constant } = right;
  const isNumber = left.emptyIsZero === true && typeof constant === 'number';
  const { comparison } = context.dialect.operators;
  const compare = comparison(operator, isNumber ? 'int' : left.type, right.type, constant);
  const calls = left.calls || right.calls;
  const { read } = left;
  if (constant !== undefined) {
    if (left.constant !== undefined && context.dialect.syntax.precedence) {
      // As recorded, the value of "3 <= 5 && $avp(s)" is $avp(s).
      const result = compare(left.constant, constant);
      if (result !== undefined) return constantExpression(result ? 1 : 0);
    }
    const getter = left.variable?.getter;
    if (getter === undefined) return comparisonValue((run) => compare(read(run), constant), calls);
    // The same as comparisonValue() would give, with one call less: most conditions compare a variable with a constant.
    return {
      type: 'int',
      constant: undefined,
      calls,
      test: (run) => compare(getter(run.pvars), constant) === true,
      read: (run) => asInteger(compare(getter(run.pvars), constant)),
    };
  }
  const { read: other } = right;
  return comparisonValue((run) => {
    const a = read(run);
    return compare(a, other(run));
  }, calls);
}

/** Compiles "=~" and "!~". `regexAt`: position at which an invalid constant expression is reported. */
export function matched(
  node: Binary,
  operator: MatchOperator,
  [left, right]: Operands,
  context: CompileContext,
  regexAt: Position | undefined,
): CompiledExpression {
  const { matchText } = context.dialect.operators;
  const wanted = operator === '=~';
  const calls = left.calls || right.calls;
  const test = (value: Result, regex: BoundedRegex | undefined): boolean => {
    const text = matchText(value);
    if (regex === undefined) return false;
    return text === undefined ? !wanted : regex.test(text) === wanted;
  };
  if (typeof right.constant === 'string' || typeof right.constant === 'number') {
    const regex = context.regex(String(right.constant), regexAt ?? node.right.at, true);
    return truthValue((run) => test(left.read(run), regex), calls);
  }
  if (right.constant === null && context.dialect.syntax.nullVariable) {
    // As recorded, "=~ $null" tests whether there is no value.
    return truthValue((run) => ((left.read(run) ?? null) === null) === wanted, calls);
  }
  const computed = computedRegex(node.at, true);
  // As recorded, a match of Kamailio has no value when the pattern is invalid.
  const otherwise = context.dialect.name === 'kamailio' ? undefined : false;
  return comparisonValue((run) => {
    const value = left.read(run);
    const regex = computed(run, matchText(right.read(run)));
    return regex === undefined ? otherwise : test(value, regex);
  }, calls);
}

/** Compiles "&&" and "||"; the right side is evaluated only when the left side does not decide. */
export function logical(
  operator: LogicalOperator,
  [left, right]: Operands,
  context: CompileContext,
): CompiledExpression {
  const folds = foldedLogical(operator, [left, right], context);
  if (folds !== undefined) return folds;
  const first = logicalTest(left, context);
  const second = logicalTest(right, context);
  const calls = left.calls || right.calls;
  if (!left.calls) {
    return operator === '&&'
      ? truthValue((run) => first(run) && second(run), calls)
      : truthValue((run) => first(run) || second(run), calls);
  }
  // A call in the left operand may have ended the script; then the right one is not evaluated.
  return operator === '&&'
    ? truthValue((run) => first(run) && run.stop === NEXT && second(run), calls)
    : truthValue((run) => run.stop === NEXT && (first(run) || (run.stop === NEXT && second(run))), calls);
}

/** The truth value of an operand of "!", "&&" and "||"; one without a value is false. */
export function logicalTest({ test, read }: CompiledExpression, context: CompileContext): (run: ScriptRun) => boolean {
  if (test !== undefined) return test;
  const { logicalTruth } = context.dialect.operators;
  return (run) => {
    const value = read(run);
    return value !== undefined && logicalTruth(value);
  };
}

/**
 * Kamailio removes a constant 1 from "&&" and a constant 0 from "||", so that the value is that of the other operand:
 * "$n || 0" is $n, and -2 then counts as false in a condition. As recorded, "$n && 3" has a truth value.
 */
function foldedLogical(
  operator: LogicalOperator,
  [left, right]: Operands,
  { dialect }: CompileContext,
): CompiledExpression | undefined {
  if (!dialect.syntax.precedence) return undefined;
  const { logicalTruth, integer } = dialect.operators;
  const whole = (operand: CompiledExpression): CompiledExpression =>
    operand.type === 'int'
      ? operand
      : { ...operand, type: 'int', variable: undefined, read: (run) => integer(operand.read(run)) };
  const neutral = operator === '&&' ? 1 : 0;
  if (left.constant !== undefined) {
    const holds = logicalTruth(left.constant);
    if (holds === (operator === '||')) return constantExpression(holds ? 1 : 0);
    if (right.constant !== undefined) return constantExpression(logicalTruth(right.constant) ? 1 : 0);
    return left.constant === neutral ? whole(right) : undefined;
  }
  return right.constant === neutral ? whole(left) : undefined;
}

/** An expression whose value is 1 for true and 0 for false. */
export function truthValue(test: (run: ScriptRun) => boolean, calls: boolean): CompiledExpression {
  return { type: 'int', constant: undefined, read: (run) => (test(run) ? 1 : 0), calls, test };
}

/** A comparison. When its operands have no value it has none either, and is false. */
function comparisonValue(compare: (run: ScriptRun) => boolean | undefined, calls: boolean): CompiledExpression {
  return {
    type: 'int',
    constant: undefined,
    calls,
    test: (run) => compare(run) === true,
    read: (run) => asInteger(compare(run)),
  };
}

function asInteger(result: boolean | undefined): Result {
  return result === undefined ? undefined : result ? 1 : 0;
}

/** The result, if it is short enough; a string that is too long is reported as a fault and has no value. */
export function bounded(result: Result, max: number, run: ScriptRun, at: Position): Result {
  if (typeof result !== 'string' || result.length <= max) return result;
  run.fault(at, `a string would be longer than ${max} characters`);
  return undefined;
}

/** Applies a function to one operand; at load when the operand is a constant. */
export function folded(
  type: StaticType,
  inner: CompiledExpression,
  change: (value: Result) => Result,
): CompiledExpression {
  const { read, calls } = inner;
  if (inner.constant !== undefined) {
    const constant = change(inner.constant);
    if (constant !== undefined) return { type, constant, read: () => constant, calls: false };
  }
  return {
    type,
    constant: undefined,
    calls,
    read: (run) => {
      const value = read(run);
      return value === undefined ? undefined : change(value);
    },
  };
}
