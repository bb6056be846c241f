import type { BinaryOperator, Expression } from '../../cfg/ast.js';

const GLUED = /^([A-Za-z_]\w*)(==|!=|=~)(.+)$/s;

/** Splits core tests that are written without blanks ("uri==myself"). */
export function apart(condition: Expression): Expression {
  switch (condition.kind) {
    case 'word': {
      const [, left, operator, right] = GLUED.exec(condition.text) ?? [];
      if (left === undefined || right === undefined) return condition;
      const { at } = condition;
      return {
        kind: 'binary',
        operator: operator as BinaryOperator,
        left: { kind: 'word', text: left, at },
        right: { kind: 'word', text: right, at },
        at,
      };
    }
    case 'unary':
      return { ...condition, operand: apart(condition.operand) };
    case 'binary':
      return { ...condition, left: apart(condition.left), right: apart(condition.right) };
    default:
      return condition;
  }
}
