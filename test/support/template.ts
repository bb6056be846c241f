/**
 * Fills in `{{name}}` and `{{name=default}}` from `values`. Throws when a name without default has no value, or when a value
 * is given that the text does not use, so that a misspelt name does not pass unseen.
 */
export function renderTemplate(text: string, values: Readonly<Record<string, string | number>>, what: string): string {
  const used = new Set<string>();
  const rendered = text.replace(/\{\{(\w+)(?:=([^{}]*))?\}\}/g, (_all, name: string, fallback: string | undefined) => {
    used.add(name);
    const value = values[name] ?? fallback;
    if (value === undefined) throw new Error(`${what}: no value for {{${name}}}`);
    return String(value);
  });
  const unused = Object.keys(values).filter((name) => !used.has(name));
  if (unused.length > 0) throw new Error(`${what}: has no {{${unused.join('}}, {{')}}}`);
  return rendered;
}
