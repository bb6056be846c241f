import type { Expression, FunctionCall, RouteCall, Statement } from './ast.js';

/** All expressions in these statements and in statements nested in them, outer before inner. */
export function* expressionsIn(statements: readonly Statement[]): Generator<Expression> {
  for (const statement of statements) {
    switch (statement.kind) {
      case 'assign':
        yield statement.target;
        yield* within(statement.value);
        break;
      case 'call-statement':
        yield* within(statement.call);
        break;
      case 'if':
        yield* within(statement.condition);
        yield* expressionsIn(statement.body);
        if (statement.otherwise !== undefined) yield* expressionsIn(statement.otherwise);
        break;
      case 'while':
        yield* within(statement.condition);
        yield* expressionsIn(statement.body);
        break;
      case 'for':
        yield statement.iterator;
        yield statement.list;
        yield* expressionsIn(statement.body);
        break;
      case 'switch':
        yield* within(statement.subject);
        for (const { body } of statement.cases) yield* expressionsIn(body);
        break;
      case 'async':
      case 'launch':
        yield* within(statement.call);
        if (statement.extra !== undefined) yield* within(statement.extra);
        break;
      default:
        for (const value of statement.values) yield* within(value);
    }
  }
}

/** An expression and all its parts, outer before inner. */
export function* within(expression: Expression): Generator<Expression> {
  yield expression;
  switch (expression.kind) {
    case 'unary':
      yield* within(expression.operand);
      break;
    case 'binary':
      yield* within(expression.left);
      yield* within(expression.right);
      break;
    case 'assign-expression':
      yield expression.assignment.target;
      yield* within(expression.assignment.value);
      break;
    case 'route':
      yield* within(expression.name);
      for (const arg of expression.args) if (arg !== undefined) yield* within(arg);
      break;
    case 'call':
      for (const arg of expression.args) if (arg !== undefined) yield* within(arg);
  }
}

/** Every call of a function or a route in these statements. */
export function* callsIn(statements: readonly Statement[]): Generator<FunctionCall | RouteCall> {
  for (const each of expressionsIn(statements)) if (each.kind === 'call' || each.kind === 'route') yield each;
}
