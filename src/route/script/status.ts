const MOST_EXPRESSIONS = 256;
const expressions = new Map<string, RegExp>();

/** What tests a status code, somewhere in its three digits as in OpenSIPS; compiled once. Throws SyntaxError. */
export function statusPattern(expression: string): RegExp {
  let compiled = expressions.get(expression);
  if (compiled === undefined) {
    compiled = new RegExp(expression);
    if (expressions.size >= MOST_EXPRESSIONS) expressions.clear();
    expressions.set(expression, compiled);
  }
  return compiled;
}
