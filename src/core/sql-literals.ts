/** Literals of a statement that are looked for in the message about it, and their least length. */
const MAX_LITERALS = 32;
const SHORTEST = 3;
/** A text in quotes, also one without its end. MySQL takes double quotes too. */
const LITERAL = /'(?:[^'\\]|\\.|'')*(?:'|\\?$)|"(?:[^"\\]|\\.|"")*(?:"|\\?$)/gs;

/**
 * A statement for the log, whose literals may be passwords: each is "?". `without` puts the same in their place in a
 * message of the database.
 */
export function withoutLiterals(statement: string): {
  readonly text: string;
  readonly without: (message: string) => string;
} {
  const found = new Set<string>();
  const text = statement.replace(LITERAL, (literal) => {
    const inner = literal.slice(1, literal.endsWith(literal.charAt(0)) ? -1 : undefined);
    if (found.size < MAX_LITERALS && inner.length >= SHORTEST) found.add(inner);
    return '?';
  });
  return {
    text,
    without: (message) => [...found].reduce((left, each) => left.replaceAll(each, '?'), message.slice(0, 1024)),
  };
}
