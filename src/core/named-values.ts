import { trimmed } from './characters.js';
/**
 * Reads "name=value;name=value", the form of definitions in several modules: a map of values by name, blanks around
 * both removed. Parts without "=" are skipped; if a name occurs twice, the last one counts.
 */
export function namedValues(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const each of text.split(';')) {
    const equals = each.indexOf('=');
    if (equals >= 0) values.set(trimmed(each.slice(0, equals)), trimmed(each.slice(equals + 1)));
  }
  return values;
}
