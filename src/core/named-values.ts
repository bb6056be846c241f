/**
 * Reads "name=value;name=value", as several modules write definitions: values by name, without blanks around both. What has no "=" is
 * left out; of a name that stands there twice the last one counts.
 */
export function namedValues(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const each of text.split(';')) {
    const equals = each.indexOf('=');
    if (equals >= 0) values.set(each.slice(0, equals).trim(), each.slice(equals + 1).trim());
  }
  return values;
}
