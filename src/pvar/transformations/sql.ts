import type { PvarValue } from '../context.js';
import type { TransformationDefinition } from './definition.js';

/**
 * A text as an SQL string literal. The original escapes a quote as \', where SQLite and PostgreSQL end the text; '' is
 * a quote in all databases. A backslash is doubled, as MySQL needs it.
 */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '')}'`;
}

function value(ofNull: PvarValue): TransformationDefinition {
  return {
    least: 0,
    max: 0,
    ofNull,
    make: () => (given) => (typeof given === 'number' ? String(given) : quoted(given)),
  };
}

/**
 * Transformations of Kamailio's sqlops: a value as an SQL literal. They differ in what null becomes: NULL, 0 or an
 * empty text.
 */
export const sqlTransformations: readonly (readonly [name: string, definition: TransformationDefinition])[] = [
  ['sql.val', value('NULL')],
  ['sql.val.int', value('0')],
  ['sql.val.str', value("''")],
];
