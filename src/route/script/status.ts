const MAX_EXPRESSIONS = 256;
const expressions = new Map<string, RegExp>();

/**
 * A test of a status code. As in OpenSIPS the expression may match anywhere in the three digits. Compiled once. Throws
 * SyntaxError.
 */
export function statusPattern(expression: string): RegExp {
  let compiled = expressions.get(expression);
  if (compiled === undefined) {
    compiled = new RegExp(expression);
    if (expressions.size >= MAX_EXPRESSIONS) expressions.clear();
    expressions.set(expression, compiled);
  }
  return compiled;
}
