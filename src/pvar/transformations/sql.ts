import type { PvarValue } from '../context.js';
import type { TransformationDefinition } from './definition.js';

/**
 * A text between single quotes, as SQL has it. The original writes \' for a quote, which SQLite and PostgreSQL take as the end of the text;
 * '' is a quote in all of them. \\ stands for \, which MySQL needs.
 */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '')}'`;
}

function value(ofNull: PvarValue): TransformationDefinition {
  return {
    least: 0,
    most: 0,
    ofNull,
    make: () => (given) => (typeof given === 'number' ? String(given) : quoted(given)),
  };
}

/** Transformations of Kamailio's sqlops: a value as a literal of SQL; for nothing NULL, 0 or an empty text. */
export const sqlTransformations: readonly (readonly [name: string, definition: TransformationDefinition])[] = [
  ['sql.val', value('NULL')],
  ['sql.val.int', value('0')],
  ['sql.val.str', value("''")],
];
