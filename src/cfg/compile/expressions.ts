import type { Assignment, Binary, Expression, FunctionCall, Position, RouteCall, Unary } from '../ast.js';
import type { ScriptRun } from '../runtime.js';
import type { Result } from '../semantics/operators.js';
import { assignmentOf } from './assignment.js';
import type { CompiledCall } from './call.js';
import type { CompileContext } from './context.js';
import { wordComparison } from './core-tests.js';
import { type CompiledCondition, type CompiledExpression, constantExpression } from './expression.js';
import { coreComparison, needsComparison } from './kamailio-core-tests.js';
import { calculated, compared, folded, logical, matched, truthValue } from './operations.js';
import { selectValue, variableValue, wordValue } from './values.js';
import { WaitingCompiler } from './waiting.js';

/**
 * Compiles expressions by the operators of the dialect. An expression with an error is reported, and has no value when
 * it is evaluated.
 */
export class ExpressionCompiler {
  constructor(
    private readonly context: CompileContext,
    /** Compiles a call; `clears`: $rc is set to 0 when the call begins. */
    private readonly call: (node: FunctionCall | RouteCall, clears: boolean) => CompiledCall,
  ) {
    this.waiting = new WaitingCompiler(context, {
      compile: (node) => this.compile(node),
      called: (node, asBoolean) => this.called(node, asBoolean),
      assignment: ({ assignment }) => assignmentOf(assignment, this, context),
      substitute: (node, by) => (by === undefined ? this.substitutes.delete(node) : this.substitutes.set(node, by)),
    });
  }

  private readonly waiting: WaitingCompiler;
  private readonly operandCompiler = {
    compile: (node: Expression) => this.compile(node),
    number: (node: Expression) => this.number(node),
  };
  /** Compiled expressions that replace parts of the expression being compiled. */
  private readonly substitutes = new Map<Expression, CompiledExpression>();

  /**
   * Position at which an invalid regular expression is reported in place of its own: Kamailio finds it at the end of
   * the statement.
   */
  regexAt: Position | undefined = undefined;

  /** Compiles an expression for its value. */
  compile(node: Expression): CompiledExpression {
    const substitute = this.substitutes.get(node);
    if (substitute !== undefined) return substitute;
    switch (node.kind) {
      case 'int':
      case 'string':
        return constantExpression(node.value);
      case 'null':
        return constantExpression(null);
      case 'variable':
        return variableValue(node, this.context);
      case 'word':
        if (this.context.dialect.syntax.precedence && needsComparison(node.text))
          this.context.problems.error('expression', node.at, `${node.text} must be compared with something`);
        return wordValue(node, this.context);
      case 'select':
        return selectValue(node, this.context);
      case 'call':
      case 'route':
        return this.called(node, this.context.dialect.calls.booleanCalls);
      case 'unary':
        return this.unary(node);
      case 'binary':
        return this.binary(node);
      case 'assign-expression':
        return this.assigned(node.assignment);
    }
  }

  /**
   * Compiles an expression for a context that needs a number. In Kamailio a "+" with operands of unknown type then adds
   * numbers; elsewhere it concatenates texts.
   */
  private number(node: Expression): CompiledExpression {
    if (node.kind === 'variable' && !this.substitutes.has(node)) {
      const numbers = this.context.dialect.operators.numbersOf?.(node.text);
      const compiled = this.compile(node);
      return numbers === undefined ? compiled : numbered(compiled, numbers);
    }
    if (
      node.kind !== 'binary' ||
      node.operator !== '+' ||
      this.substitutes.has(node) ||
      !this.context.dialect.operators.addsInNumericContext
    ) {
      return this.compile(node);
    }
    const left = this.number(node.left);
    const right = this.number(node.right);
    // As recorded, a text is accepted as the right operand of a sum whose first operand has no known type.
    if (node.left.kind !== 'binary' || node.left.operator !== '+') this.checkOperands(node, left, right);
    return calculated(node, '+', [left.type === 'string' ? left : asNumber(left), right], this.context);
  }

  /** Compiles the right side of an assignment; a single call gives its return value. */
  value(node: Expression): CompiledExpression {
    if (node.kind === 'call' || node.kind === 'route') return this.called(node, false);
    const compiled = this.waiting.value(node) ?? this.compile(node);
    if (compiled.emptyIsZero !== true) return compiled;
    const { read } = compiled;
    return { ...compiled, variable: undefined, read: (run) => numberFor(read(run)) };
  }

  /** Whether evaluating an expression may wait. */
  mayWait(node: Expression): boolean {
    return this.waiting.mayWait(node);
  }

  /** Compiles an expression as the condition of "if" or, with `loop`, of "while". */
  condition(node: Expression, loop: boolean): CompiledCondition {
    const { operators } = this.context.dialect;
    const later = this.waiting.test(node, loop ? operators.loopTruth : operators.truth);
    if (later !== undefined) return { test: () => false, calls: true, later };
    const compiled = this.number(node);
    const { calls, test } = compiled;
    if (test !== undefined) return { test, calls };
    const truth = loop ? operators.loopTruth : operators.truth;
    if (compiled.constant !== undefined) {
      const constant = truth(compiled.constant);
      return { test: () => constant, calls };
    }
    return { test: (run) => truth(compiled.read(run)), calls };
  }

  /** Compiles a call in an expression; `asBoolean`: its value is 1 or 0. */
  called(node: FunctionCall | RouteCall, asBoolean: boolean): CompiledExpression {
    const { invoke, invokeLater } = this.call(node, this.context.dialect.calls.clearsReturnCode);
    const plain = this.context.facts.plainReturns === true;
    const asTruth = asBoolean && !plain;
    return {
      type: 'int',
      constant: undefined,
      calls: true,
      read: asTruth ? (run) => (invoke(run) > 0 ? 1 : 0) : invoke,
      test: plain ? (run) => invoke(run) !== 0 : (run) => invoke(run) > 0,
      later:
        invokeLater === undefined
          ? undefined
          : asTruth
            ? async (run) => ((await invokeLater(run)) > 0 ? 1 : 0)
            : async (run) => invokeLater(run),
    };
  }

  private unary(node: Unary): CompiledExpression {
    const { operators } = this.context.dialect;
    if (node.operator === '!') {
      const inner = this.number(node.operand);
      if (inner.type === 'string' && this.context.dialect.operators.mismatch('&&', 'int', 'string') !== undefined) {
        this.context.problems.error('expression', node.at, '! takes a number');
      }
      if (inner.constant !== undefined) return constantExpression(operators.logicalTruth(inner.constant) ? 0 : 1);
      const test =
        inner.test ??
        ((run: ScriptRun) => {
          const value = inner.read(run);
          return value !== undefined && operators.logicalTruth(value);
        });
      return truthValue((run) => !test(run), inner.calls);
    }
    const numeric = node.operator === '-' || node.operator === '~' || node.operator === 'int';
    const inner = numeric ? this.number(node.operand) : this.compile(node.operand);
    const { read, calls } = inner;
    if (inner.type === 'int' && OF_TEXTS.has(node.operator))
      this.context.problems.error('expression', node.at, `${node.operator} takes no number`);
    switch (node.operator) {
      case 'defined':
        return truthValue((run) => read(run) !== null, calls);
      case '-':
      case '~': {
        if (inner.type === 'string') {
          this.context.problems.error('expression', node.at, `operator ${node.operator} needs a number`);
        }
        const change = node.operator === '-' ? (value: number) => -value | 0 : (value: number) => ~value;
        return folded('int', inner, (value) => {
          const number = operators.integer(value);
          return number === undefined ? undefined : change(number);
        });
      }
      case 'int':
        return folded('int', inner, (value) => operators.integer(value));
      case 'str':
        return folded('string', inner, (value) => (value === null || value === undefined ? '' : String(value)));
      case 'strlen':
        return folded('int', inner, (value) => String(value ?? '').length);
      case 'strempty':
        return truthValue((run) => String(read(run) ?? '') === '', calls);
    }
  }

  private binary(node: Binary): CompiledExpression {
    const { operator } = node;
    switch (operator) {
      case '&&':
      case '||':
        return logical(operator, this.operands(node), this.context);
      case '=~':
      case '!~':
        return (
          coreComparison(node, this.operandCompiler, this.context) ??
          matched(node, operator, this.operands(node), this.context, this.regexAt)
        );
      case '==':
      case '!=':
      case '<':
      case '>':
      case '<=':
      case '>=':
      case 'eq':
      case 'ne':
      case 'ieq':
      case 'ine':
        return (
          coreComparison(node, this.operandCompiler, this.context) ??
          wordComparison(node, (left) => this.compile(left), this.context) ??
          compared(operator, this.operands(node), this.context)
        );
      default:
        return calculated(node, operator, this.operands(node), this.context);
    }
  }

  private operands(node: Binary): [CompiledExpression, CompiledExpression] {
    const numbers = NUMERIC.has(node.operator);
    const left = numbers ? this.number(node.left) : this.compile(node.left);
    const right =
      numbers || (node.operator === '+' && left.type === 'int') ? this.number(node.right) : this.compile(node.right);
    this.checkOperands(node, left, right);
    return [left, right];
  }

  private checkOperands(node: Binary, left: CompiledExpression, right: CompiledExpression): void {
    const reason = this.context.dialect.operators.mismatch(node.operator, left.type, right.type);
    if (reason === undefined) return;
    const atStart = node.operator === '=~' && left.type !== 'int';
    this.context.problems.error('expression', node.at, reason, atStart);
  }

  private assigned(assignment: Assignment): CompiledExpression {
    const assign = assignmentOf(assignment, this, this.context);
    const { operators } = this.context.dialect;
    const read = (run: ScriptRun): Result => assign.now(run);
    const holds = operators.assignmentHolds?.(assignment.target.text);
    if (holds !== undefined) return truthValue((run) => holds(read(run)), assign.calls);
    return { type: 'any', constant: undefined, read, calls: assign.calls, test: (run) => operators.truth(read(run)) };
  }
}

/** Operators whose operand is a text. */
const OF_TEXTS: ReadonlySet<string> = new Set(['defined', 'strlen', 'strempty']);

/** Operators with two numbers as operands. */
const NUMERIC: ReadonlySet<string> = new Set([
  '-',
  '*',
  '/',
  '%',
  '&',
  '|',
  '^',
  '<<',
  '>>',
  '<',
  '>',
  '<=',
  '>=',
  '&&',
  '||',
  'ieq',
  'ine',
]);

/** The same variable, read as a number where its text has one in `numbers`. */
function numbered({ read, ...rest }: CompiledExpression, numbers: ReadonlyMap<string, number>): CompiledExpression {
  const number = (run: ScriptRun): Result => {
    const value = read(run);
    return typeof value === 'string' ? (numbers.get(value) ?? numbers.get('') ?? value) : value;
  };
  return { ...rest, variable: undefined, read: number };
}

/** The same expression, marked as a number. */
function asNumber(inner: CompiledExpression): CompiledExpression {
  return inner.type === 'int' ? inner : { ...inner, type: 'int' };
}

/** The value to assign for a text that counts as 0 when it is empty. */
function numberFor(value: Result): Result {
  return value === '' ? 0 : value;
}
