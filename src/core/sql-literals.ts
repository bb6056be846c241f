/** Literals of a statement that are looked for in the message about it, and their least length. */
const MAX_LITERALS = 32;
const SHORTEST = 3;
/** Characters of a message that are searched for literals, and those that are kept of it. */
const MAX_SEARCHED = 65_536;
const MAX_MESSAGE = 1024;
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
  // A literal may begin with a shorter one, so that the longest is replaced first.
  const literals = [...found].sort((a, b) => b.length - a.length);
  return {
    text,
    // The message is cut afterwards: of a literal across the cut only a part would be there to be found.
    without: (message) =>
      literals.reduce((left, each) => left.replaceAll(each, '?'), message.slice(0, MAX_SEARCHED)).slice(0, MAX_MESSAGE),
  };
}
