import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { optionTable } from '../../src/config/option-tables.js';

/** The file that holds the tables. */
export const README = resolve(import.meta.dirname, '../../README.md');

const PLACE = /(<!-- table: ([a-z-]+) -->\n)[\s\S]*?(<!-- end of table -->)/g;

/** A text with the tables between its markers made anew from the schemas. Throws for a schema that does not exist. */
export function withTables(text: string): string {
  return text.replace(PLACE, (_, begin: string, schema: string, end: string) => {
    return `${begin}\n${optionTable(schema).trimEnd()}\n\n${end}`;
  });
}

/** Names of the schemas a text has tables of. */
export function tablesIn(text: string): string[] {
  return [...text.matchAll(PLACE)].map((match) => match[2] as string);
}

// `npm run docs`
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(README, withTables(readFileSync(README, 'utf8')));
}
