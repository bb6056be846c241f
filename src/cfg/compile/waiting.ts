import type { Binary, Expression, FunctionCall, RouteCall } from '../ast.js';
import { NEXT, type ScriptRun } from '../runtime.js';
import type { Result, StaticType } from '../semantics/operators.js';
import type { CompiledAssignment } from './assignment.js';
import type { CompileContext } from './context.js';
import type { CompiledExpression } from './expression.js';
import { logicalTest } from './operations.js';

/** An expression in which a call may wait. */
interface WaitingExpression {
  readonly type: StaticType;
  later(run: ScriptRun): Promise<Result>;
}

type Truth = (value: Result) => boolean;

/** Compiles the parts of an expression that do not wait. */
export interface PartCompiler {
  compile(node: Expression): CompiledExpression;
  /** Compiles a call; `asBoolean`: its value is 1 or 0. */
  called(node: FunctionCall | RouteCall, asBoolean: boolean): CompiledExpression;
  assignment(node: Expression & { kind: 'assign-expression' }): CompiledAssignment;
  /** From now on `by` is the compiled form of a part; undefined restores the part's own. */
  substitute(node: Expression, by: CompiledExpression | undefined): void;
}

/**
 * Compiles expressions in which a call may wait. The operands are evaluated in order, and the operator is applied when
 * all have their values.
 */
export class WaitingCompiler {
  constructor(
    private readonly context: CompileContext,
    private readonly parts: PartCompiler,
  ) {}

  /** Whether evaluating an expression may wait. */
  mayWait(node: Expression): boolean {
    switch (node.kind) {
      case 'unary':
        return this.mayWait(node.operand);
      case 'binary':
        return this.mayWait(node.left) || this.mayWait(node.right);
      case 'assign-expression':
        return this.mayWait(node.assignment.value);
      case 'call':
      case 'route':
        return this.context.callWaits(node);
      default:
        return false;
    }
  }

  /** Compiles an expression for its value; undefined when it cannot wait. */
  value(node: Expression): CompiledExpression | undefined {
    if (!this.mayWait(node)) return undefined;
    const { type, later } = this.waiting(node);
    return { type, constant: undefined, calls: true, read: () => undefined, later };
  }

  /** Compiles an expression for its truth value; undefined when it cannot wait. */
  test(node: Expression, truth: Truth): ((run: ScriptRun) => Promise<boolean>) | undefined {
    if (!this.mayWait(node)) return undefined;
    if (node.kind === 'unary' && node.operator === '!') {
      const inner = this.logical(node.operand);
      return async (run) => !(await inner(run)) && run.stop === NEXT;
    }
    if (node.kind === 'binary' && (node.operator === '&&' || node.operator === '||')) {
      const left = this.logical(node.left);
      const right = this.logical(node.right);
      const decided = node.operator === '||';
      return async (run) => {
        const first = await left(run);
        return first === decided || run.stop !== NEXT ? first && run.stop === NEXT : right(run);
      };
    }
    if (node.kind === 'call' || node.kind === 'route') {
      const { later, test } = this.parts.called(node, false);
      if (later === undefined) return async (run) => test?.(run) === true;
      const holds =
        this.context.facts.plainReturns === true ? (code: number) => code !== 0 : (code: number) => code > 0;
      return async (run) => holds(Number(await later(run))) && run.stop === NEXT;
    }
    const { later } = this.waiting(node);
    return async (run) => {
      const value = await later(run);
      return value !== undefined && run.stop === NEXT && truth(value);
    };
  }

  /** An operand of "!", "&&" and "||". */
  private logical(node: Expression): (run: ScriptRun) => boolean | Promise<boolean> {
    const later = this.test(node, this.context.dialect.operators.logicalTruth);
    return later ?? logicalTest(this.parts.compile(node), this.context);
  }

  private waiting(node: Expression): WaitingExpression {
    const { parts, context } = this;
    if (node.kind === 'call' || node.kind === 'route') {
      const { later, read } = parts.called(node, context.dialect.calls.booleanCalls);
      return { type: 'int', later: later ?? (async (run) => read(run)) };
    }
    if (node.kind === 'assign-expression') {
      const { later, now } = parts.assignment(node);
      return { type: 'any', later: later ?? (async (run) => now(run)) };
    }
    const isLogical = node.kind === 'binary' && (node.operator === '&&' || node.operator === '||');
    if (isLogical || (node.kind === 'unary' && node.operator === '!')) {
      const test = this.logical(node);
      return { type: 'int', later: async (run) => ((await test(run)) ? 1 : 0) };
    }
    if (node.kind === 'unary') return this.operator(node, [node.operand]);
    return this.operator(node, [(node as Binary).left, (node as Binary).right]);
  }

  /** Compiles an operator of which at least one operand may wait. */
  private operator(node: Expression, operands: readonly Expression[]): WaitingExpression {
    const last = operands.findLastIndex((each) => this.mayWait(each));
    // Operands after the last one that waits are evaluated together with the operator.
    const early = operands.slice(0, last + 1).map((operand) => {
      const value = this.mayWait(operand) ? this.waiting(operand) : undefined;
      const own = value ?? this.parts.compile(operand);
      const held: { value: Result } = { value: undefined };
      const { type } = own;
      this.parts.substitute(operand, { type, constant: undefined, calls: true, read: () => held.value });
      return { operand, held, read: value?.later ?? (own as CompiledExpression).read };
    });
    const { type, read } = this.parts.compile(node);
    for (const { operand } of early) this.parts.substitute(operand, undefined);
    return {
      type,
      async later(run) {
        const values: Result[] = [];
        for (const { read: evaluate } of early) {
          values.push(await evaluate(run));
          if (run.stop !== NEXT) return undefined;
        }
        // No await between setting and reading these values, so no other run can change them.
        for (const [i, { held }] of early.entries()) held.value = values[i];
        const result = read(run);
        for (const { held } of early) held.value = undefined;
        return result;
      },
    };
  }
}
