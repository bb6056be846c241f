import { type JsonSchema, readSchema, referred } from './schema.js';

/**
 * The keys of a schema as a Markdown table: key, type, default, meaning. Nested objects are shown as
 * "mi.fifo.fifo_name"; a part with a schema, and so a table, of its own is one row. Throws SwitchyardError INTERNAL for
 * an unknown schema.
 */
export function optionTable(schemaName: string): string {
  const rows = rowsOf(readSchema(schemaName), '');
  return ['| Key | Type | Default | Meaning |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

function rowsOf(schema: JsonSchema, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    if (key === '$schema') return [];
    const name = prefix + key;
    const required = schema.required?.includes(key) ?? false;
    const row = `| \`${name}\` | ${typeOf(property)} | ${defaultText(property, required)} | ${cell(meaning(property))} |`;
    if (property.$ref !== undefined) return [row];
    if (property.properties) return [row, ...rowsOf(property, `${name}.`)];
    if (property.items?.properties) return [row, ...rowsOf(property.items, `${name}[].`)];
    return [row];
  });
}

function meaning(schema: JsonSchema): string {
  return schema.description ?? (schema.$ref === undefined ? '' : (referred(schema).description ?? ''));
}

function typeOf(schema: JsonSchema): string {
  const target = schema.$ref === undefined ? schema : referred(schema);
  if (target.enum?.every((each) => typeof each === 'string')) {
    return target.enum.map((each) => `\`${each}\``).join(', ');
  }
  const types = Array.isArray(target.type) ? target.type : [target.type ?? 'any'];
  return types.join(' or ');
}

function defaultText(schema: JsonSchema, required: boolean): string {
  if (required) return 'required';
  const value = schema.default;
  if (value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0))
    return '';
  return cell(`\`${typeof value === 'string' ? value : JSON.stringify(value)}\``);
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
