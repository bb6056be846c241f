/**
 * The value of a table for a word from outside; undefined when the table itself has none: a table written as an object
 * also has "constructor" and the like, which it inherits.
 */
export function ownValue<Value>(table: Readonly<Record<string, Value>>, word: string): Value | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}
