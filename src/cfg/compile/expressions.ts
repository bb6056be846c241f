import { messageOf } from '../../core/errors.js';
import type { BoundedRegex } from '../../core/posix-regex.js';
import type { Format } from '../../pvar/format.js';
import type {
  Assignment,
  Binary,
  Expression,
  FunctionCall,
  Position,
  RouteCall,
  Unary,
  VariableReference,
  Word,
} from '../ast.js';
import { NEXT, type ScriptRun } from '../runtime.js';
import type {
  ArithmeticOperator,
  ComparisonOperator,
  LogicalOperator,
  MatchOperator,
  Result,
  StaticType,
} from '../semantics/operators.js';
import { assignmentOf } from './assignment.js';
import type { CompiledCall } from './call.js';
import type { CompileContext } from './context.js';
import { coreTest, wordComparison } from './core-tests.js';
import { type CompiledCondition, type CompiledExpression, constantExpression } from './expression.js';
import { computedRegex } from './regex-cache.js';
import { isWrittenSelect, type SelectSource, selectSource } from './selects.js';

const FAILED: CompiledExpression = { type: 'any', constant: undefined, read: () => undefined, calls: false };

/** Compiles expressions as the operators of the dialect say. What cannot be compiled is reported, and fails when it runs. */
export class ExpressionCompiler {
  constructor(
    private readonly context: CompileContext,
    /** A call; `clears`: $rc is 0 when it begins. */
    private readonly call: (node: FunctionCall | RouteCall, clears: boolean) => CompiledCall,
  ) {}

  /** Where a wrong regular expression is reported instead of where it stands: Kamailio finds it when the statement is over. */
  regexAt: Position | undefined = undefined;

  /** Any expression by its value. */
  compile(node: Expression): CompiledExpression {
    switch (node.kind) {
      case 'int':
      case 'string':
        return constantExpression(node.value);
      case 'null':
        return constantExpression(null);
      case 'variable':
        return this.variable(node);
      case 'word':
        return this.word(node);
      case 'select':
        return this.select(node);
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
   * Where a number is needed: a "+" whose operands are not known to be numbers adds them as numbers there in Kamailio, and joins
   * them as texts elsewhere.
   */
  private number(node: Expression): CompiledExpression {
    if (node.kind !== 'binary' || node.operator !== '+' || !this.context.dialect.operators.addsWhereNumbersAre) {
      return this.compile(node);
    }
    const left = this.number(node.left);
    const right = this.number(node.right);
    this.checkOperands(node, left, right);
    return left.type === 'string'
      ? this.calculated(node, '+', left, right)
      : this.calculated(node, '+', asNumber(left), right);
  }

  /** The right side of an assignment: a call alone gives its return value. */
  value(node: Expression): CompiledExpression {
    if (node.kind === 'call' || node.kind === 'route') return this.called(node, false);
    const compiled = this.compile(node);
    if (compiled.emptyIsZero !== true) return compiled;
    const { read } = compiled;
    return { ...compiled, variable: undefined, read: (run) => numberFor(read(run)) };
  }

  /** An expression by its truth, as the condition of "if" or, with `loop`, of "while" takes it. */
  condition(node: Expression, loop: boolean): CompiledCondition {
    const { operators } = this.context.dialect;
    const later = this.testLater(node);
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

  /** A condition with a call that may wait: its "&&", "||" and "!" wait for it. Undefined for one without. */
  private testLater(node: Expression): ((run: ScriptRun) => Promise<boolean>) | undefined {
    if (!this.mayWait(node)) return undefined;
    if (node.kind === 'unary' && node.operator === '!') {
      const inner = this.testLater(node.operand);
      return inner === undefined ? undefined : async (run) => !(await inner(run)) && run.stop === NEXT;
    }
    if (node.kind === 'binary' && (node.operator === '&&' || node.operator === '||')) {
      const left = this.eitherTest(node.left);
      const right = this.eitherTest(node.right);
      const decided = node.operator === '||';
      return async (run) => {
        const first = await left(run);
        return first === decided || run.stop !== NEXT ? first && run.stop === NEXT : right(run);
      };
    }
    const { later } = this.called(node as FunctionCall | RouteCall, false);
    if (node.kind === 'call' || node.kind === 'route') {
      return later === undefined ? undefined : async (run) => Number(await later(run)) > 0;
    }
    this.context.problems.error('expression', node.at, 'a function that waits cannot stand within this expression');
    return undefined;
  }

  private eitherTest(node: Expression): (run: ScriptRun) => boolean | Promise<boolean> {
    return this.testLater(node) ?? this.condition(node, false).test;
  }

  private mayWait(node: Expression): boolean {
    if (node.kind === 'unary') return this.mayWait(node.operand);
    if (node.kind === 'binary') return this.mayWait(node.left) || this.mayWait(node.right);
    if (node.kind !== 'call' && node.kind !== 'route') return false;
    return this.context.callWaits(node);
  }

  private called(node: FunctionCall | RouteCall, asBoolean: boolean): CompiledExpression {
    const { invoke, invokeLater } = this.call(node, this.context.dialect.calls.clearsReturnCode);
    return {
      type: 'int',
      constant: undefined,
      calls: true,
      read: asBoolean ? (run) => (invoke(run) > 0 ? 1 : 0) : invoke,
      test: (run) => invoke(run) > 0,
      later: invokeLater === undefined ? undefined : async (run) => invokeLater(run),
    };
  }

  /** A select: text, "" when there is none. */
  private select({ text, at }: Extract<Expression, { kind: 'select' }>): CompiledExpression {
    const { problems, tree } = this.context;
    let source: SelectSource | undefined;
    if (!isWrittenSelect(text.slice(1))) {
      problems.error(
        'expression',
        at,
        `${text} is no select: names with dots between, one index or "text" in brackets behind each`,
      );
      return FAILED;
    }
    try {
      source = selectSource(text.slice(1), tree.parameters);
    } catch (error) {
      problems.error('expression', at, `select ${text} ${messageOf(error)}`);
      return FAILED;
    }
    if (source === undefined) {
      problems.warning('no-effect', at, `select ${text} is not known: it is always empty`);
      return { type: 'any', constant: undefined, calls: false, read: () => '' };
    }
    if ('constant' in source) {
      const value = String(source.constant);
      return { type: 'any', constant: undefined, calls: false, read: () => value };
    }
    if (source.format === '') return { type: 'any', constant: undefined, calls: false, read: () => '' };
    const format = this.context.format(source.format, at);
    if (format === undefined) return FAILED;
    const { edit } = source;
    const read = (run: ScriptRun): string => String(format.evaluateValue(run.pvars) ?? '');
    return {
      type: 'any',
      constant: undefined,
      calls: false,
      read: edit === undefined ? read : (run) => edit(read(run)),
    };
  }

  private variable(node: VariableReference): CompiledExpression {
    const { context } = this;
    const name = /^\$([A-Za-z_]\w*)$/.exec(node.text)?.[1];
    if (name === undefined && node.text === '$?') return this.variable({ ...node, text: '$rc' });
    const format = context.variable(node);
    if (format === undefined) return FAILED;
    return {
      type: format.digits ? 'digits' : 'any',
      constant: undefined,
      calls: false,
      variable: format,
      emptyIsZero: context.dialect.operators.emptyIsZero?.test(node.text),
      read: readerOf(format),
    };
  }

  private word(node: Word): CompiledExpression {
    const { dialect, problems } = this.context;
    const flag = dialect.syntax.switchWords(node.text);
    if (flag !== undefined) return constantExpression(flag);
    const test = dialect.syntax.coreTests ? coreTest(node.text, this.context) : undefined;
    if (test !== undefined) return test;
    problems.error('expression', node.at, `${node.text} is no value; a string needs quotes`);
    return FAILED;
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
    if (node.operator === 'defined') {
      const inner = this.compile(node.operand);
      return truthValue((run) => inner.read(run) !== null, inner.calls);
    }
    const numeric = node.operator === '-' || node.operator === '~' || node.operator === 'int';
    const inner = numeric ? this.number(node.operand) : this.compile(node.operand);
    const { read, calls } = inner;
    switch (node.operator) {
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
        return this.logical(node, operator);
      case '=~':
      case '!~':
        return this.match(node, operator);
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
        return this.comparison(node, operator);
      default:
        return this.arithmetic(node, operator);
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
    if (reason !== undefined) this.context.problems.error('expression', node.at, reason);
  }

  private arithmetic(node: Binary, operator: ArithmeticOperator): CompiledExpression {
    const [left, right] = this.operands(node);
    return this.calculated(node, operator, left, right);
  }

  private calculated(
    node: Binary,
    operator: ArithmeticOperator,
    left: CompiledExpression,
    right: CompiledExpression,
  ): CompiledExpression {
    const { operators } = this.context.dialect;
    const run = operators.arithmetic(operator, left.type, right.type);
    const type: StaticType = operators.arithmeticType(operator, left.type, right.type);
    const most = this.context.bounds.text;
    const { at } = node;
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
        return typeof a === 'number' ? (a + step) | 0 : bounded(run(a, other, call, at), most, call, at);
      };
      return { type, constant: undefined, read, calls };
    }
    const read = (call: ScriptRun): Result => {
      const a = first(call);
      return bounded(run(a, second(call), call, at), most, call, at);
    };
    return { type, constant: undefined, read, calls };
  }

  private comparison(node: Binary, operator: ComparisonOperator): CompiledExpression {
    const network = wordComparison(node, (left) => this.compile(left), this.context);
    if (network !== undefined) return network;
    const [left, right] = this.operands(node);
    const { constant } = right;
    const isNumber = left.emptyIsZero === true && typeof constant === 'number';
    const { comparison } = this.context.dialect.operators;
    const compare = comparison(operator, isNumber ? 'int' : left.type, right.type, constant);
    const calls = left.calls || right.calls;
    const { read } = left;
    if (constant !== undefined) {
      const getter = left.variable?.getter;
      if (getter === undefined) return comparisonValue((run) => compare(read(run), constant), calls);
      // As comparisonValue() gives it, less one call: a variable against a constant is what conditions are most of all.
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

  private match(node: Binary, operator: MatchOperator): CompiledExpression {
    const { context } = this;
    const left = this.compile(node.left);
    const right = this.compile(node.right);
    const { matchText } = context.dialect.operators;
    const wanted = operator === '=~';
    const calls = left.calls || right.calls;
    const test = (value: Result, regex: BoundedRegex | undefined): boolean => {
      const text = matchText(value);
      if (regex === undefined) return false;
      return text === undefined ? !wanted : regex.test(text) === wanted;
    };
    if (typeof right.constant === 'string' || typeof right.constant === 'number') {
      const regex = context.regex(String(right.constant), this.regexAt ?? node.right.at, true);
      return truthValue((run) => test(left.read(run), regex), calls);
    }
    if (right.constant === null && context.dialect.syntax.nullVariable) {
      // As recorded, "=~ $null" is true of everything.
      return truthValue((run) => left.read(run) !== undefined && wanted, calls);
    }
    const computed = computedRegex(node.at, true);
    // As recorded, an expression of Kamailio with a pattern that is none has no value.
    const otherwise = context.dialect.name === 'kamailio' ? undefined : false;
    return comparisonValue((run) => {
      const value = left.read(run);
      const regex = computed(run, matchText(right.read(run)));
      return regex === undefined ? otherwise : test(value, regex);
    }, calls);
  }

  /** "&&" and "||", the right side only where the left does not decide. */
  private logical(node: Binary, operator: LogicalOperator): CompiledExpression {
    const [left, right] = this.operands(node);
    const folds = this.foldedLogical(operator, left, right);
    if (folds !== undefined) return folds;
    const first = this.logicalTest(left);
    const second = this.logicalTest(right);
    const calls = left.calls || right.calls;
    if (!left.calls) {
      return operator === '&&'
        ? truthValue((run) => first(run) && second(run), calls)
        : truthValue((run) => first(run) || second(run), calls);
    }
    // A call may have ended the script: then the rest is not evaluated.
    return operator === '&&'
      ? truthValue((run) => first(run) && run.stop === NEXT && second(run), calls)
      : truthValue((run) => run.stop === NEXT && (first(run) || (run.stop === NEXT && second(run))), calls);
  }

  private logicalTest({ test, read }: CompiledExpression): (run: ScriptRun) => boolean {
    if (test !== undefined) return test;
    const { logicalTruth } = this.context.dialect.operators;
    return (run) => {
      const value = read(run);
      return value !== undefined && logicalTruth(value);
    };
  }

  /**
   * Kamailio leaves a 1 of "&&" and a 0 of "||" out, so that the other side is the value: "$n || 0" is $n, which -2 does not make
   * true. As recorded, "$n && 3" is a truth value.
   */
  private foldedLogical(
    operator: LogicalOperator,
    left: CompiledExpression,
    right: CompiledExpression,
  ): CompiledExpression | undefined {
    const { dialect } = this.context;
    if (!dialect.syntax.precedence) return undefined;
    const { logicalTruth } = dialect.operators;
    const neutral = operator === '&&' ? 1 : 0;
    if (left.constant !== undefined) {
      const holds = logicalTruth(left.constant);
      if (holds === (operator === '||')) return constantExpression(holds ? 1 : 0);
      return left.constant === neutral ? right : undefined;
    }
    return right.constant === neutral ? left : undefined;
  }

  private assigned(assignment: Assignment): CompiledExpression {
    const assign = assignmentOf(assignment, this, this.context);
    const { operators } = this.context.dialect;
    const read = (run: ScriptRun): Result => assign.now(run);
    return { type: 'any', constant: undefined, read, calls: assign.calls, test: (run) => operators.truth(read(run)) };
  }
}

/** Operators that take numbers on both sides. */
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

/** The same, known to be a number. */
function asNumber(inner: CompiledExpression): CompiledExpression {
  return inner.type === 'int' ? inner : { ...inner, type: 'int' };
}

/** What is assigned of a text that counts as 0 where it is empty. */
function numberFor(value: Result): Result {
  return value === '' ? 0 : value;
}

function readerOf(format: Format): (run: ScriptRun) => Result {
  const { getter } = format;
  return getter === undefined ? (run) => format.evaluateValue(run.pvars) : (run) => getter(run.pvars);
}

function truthValue(test: (run: ScriptRun) => boolean, calls: boolean): CompiledExpression {
  return { type: 'int', constant: undefined, read: (run) => (test(run) ? 1 : 0), calls, test };
}

/** A comparison whose operands had no value has none either, and is not true. */
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

/** A result that may be used; one that is too long is a fault, and none. */
function bounded(result: Result, most: number, run: ScriptRun, at: Position): Result {
  if (typeof result !== 'string' || result.length <= most) return result;
  run.fault(at, `a string would be longer than ${most} characters`);
  return undefined;
}

function folded(type: StaticType, inner: CompiledExpression, change: (value: Result) => Result): CompiledExpression {
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
