const MOST_EXPRESSIONS = 256;
const expressions = new Map<string, RegExp>();

/** Whether a status code matches a regular expression, somewhere in its three digits as in OpenSIPS. Throws SyntaxError. */
export function statusMatches(expression: string, code: number): boolean {
  let compiled = expressions.get(expression);
  if (compiled === undefined) {
    compiled = new RegExp(expression);
    if (expressions.size >= MOST_EXPRESSIONS) expressions.clear();
    expressions.set(expression, compiled);
  }
  return compiled.test(String(code));
}
