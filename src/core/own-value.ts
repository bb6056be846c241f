/**
 * The value of a key from outside in a table; undefined when the table has no such key of its own. A table written as
 * an object also inherits keys such as "constructor".
 */
export function ownValue<Value>(table: Readonly<Record<string, Value>>, word: string): Value | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}
