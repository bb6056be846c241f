/**
 * Replaces `{{name}}` and `{{name=default}}` with `values`. Throws when a name without default has no value, or when a
 * value is not used, so that misspelt names are detected.
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
