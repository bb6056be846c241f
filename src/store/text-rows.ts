import { join } from 'node:path';
import { parseTextRow, readTextTable } from './db-text.js';

/**
 * The rows of a db_text table, by column; an empty field has no value. Lines with a wrong number of fields are skipped.
 * Throws SwitchyardError STORE_*.
 */
export async function readTextRows(
  folder: string,
  name: string,
  max: number,
): Promise<Readonly<Record<string, unknown>>[]> {
  const { columns, lines } = await readTextTable(join(folder, name));
  const rows: Readonly<Record<string, unknown>>[] = [];
  for (const line of lines) {
    if (line === '' || rows.length >= max) continue;
    const fields = parseTextRow(line);
    if (fields.length !== columns.length) continue;
    rows.push(Object.fromEntries(columns.map((column, i) => [column, fields[i] === '' ? null : fields[i]])));
  }
  return rows;
}
