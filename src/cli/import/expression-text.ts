import type { Argument, Expression } from '../../cfg/ast.js';

const MAX_CHARACTERS = 120;

/** An expression as source text for messages, shortened if long. */
export function expressionText(expression: Expression): string {
  const text = written(expression);
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS - 3)}...` : text;
}

function written(expression: Expression): string {
  switch (expression.kind) {
    case 'string':
      return `"${expression.value}"`;
    case 'int':
    case 'word':
    case 'variable':
    case 'select':
      return expression.text;
    case 'null':
      return 'NULL';
    case 'call':
      return `${expression.name}(${argumentsText(expression.args)})`;
    case 'route':
      return `route(${[expression.name, ...expression.args].map(argumentText).join(', ')})`;
    case 'unary':
      return `${expression.operator}${/^[a-z]/.test(expression.operator) ? ' ' : ''}${nested(expression.operand)}`;
    case 'binary':
      return `${nested(expression.left)} ${expression.operator} ${nested(expression.right)}`;
    case 'assign-expression':
      return `${expression.assignment.target.text} ${expression.assignment.operator} ${written(expression.assignment.value)}`;
  }
}

function nested(expression: Expression): string {
  return expression.kind === 'binary' ? `(${written(expression)})` : written(expression);
}

function argumentsText(args: readonly Argument[]): string {
  return args.map(argumentText).join(', ');
}

function argumentText(arg: Argument): string {
  return arg === undefined ? '' : written(arg);
}

/** The text of a literal or a variable; undefined for an argument that is computed. */
export function literalText(arg: Argument): string | undefined {
  if (arg === undefined) return '';
  switch (arg.kind) {
    case 'string':
      return arg.value;
    case 'int':
      return String(arg.value);
    case 'word':
    case 'variable':
      return arg.text;
    default:
      return undefined;
  }
}
