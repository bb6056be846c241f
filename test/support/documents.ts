import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { optionTable } from '../../src/config/option-tables.js';

/** Root of the project. */
export const ROOT = resolve(import.meta.dirname, '../..');

/** Paths of all Markdown documents of the project relative to its root, without recorded data. */
export function documents(): string[] {
  const folders = ['schemas', 'partitions', 'examples', 'src', 'test'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  );
  return [...readdirSync(ROOT), ...folders]
    .filter((name) => name.endsWith('.md') && !/(^|\/)(node_modules|data)\//.test(name))
    .map((name) => relative('.', name))
    .sort();
}

/** Text of a document by its path from the root. */
export const textOf = (document: string): string => readFileSync(join(ROOT, document), 'utf8');

const TABLE = /(<!-- table: ([a-z-]+) -->\n)[\s\S]*?(<!-- end of table -->)/g;

/** A text in which the tables between markers are regenerated from the schemas. Throws for an unknown schema. */
export function withTables(text: string): string {
  return text.replace(TABLE, (_, begin: string, schema: string, end: string) => {
    return `${begin}\n${optionTable(schema).trimEnd()}\n\n${end}`;
  });
}

/** Names of the schemas whose tables are in a text. */
export function tablesIn(text: string): string[] {
  return [...text.matchAll(TABLE)].map((match) => match[2] as string);
}

// `npm run docs`
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const document of documents()) {
    const text = textOf(document);
    const made = withTables(text);
    if (made !== text) writeFileSync(join(ROOT, document), made);
  }
}
