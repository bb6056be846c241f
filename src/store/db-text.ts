import { open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import { SwitchyardError } from '../core/errors.js';

/*
 * The db_text format: a folder is a database, a file a table. The first line defines the columns, "id(int,auto)
 * setid(int) destination(string) socket(string,null)"; each other line is a row with fields separated by ":", where
 * "\:" is a colon; also "\\", "\n", "\r", "\t" and "\0". Strings are latin1: one code unit is one byte of the file.
 */

/** Largest file in bytes; 100,000 destinations take about 8 MB. */
const MAX_FILE = 128 * 1024 * 1024;
const COLUMN = /^([A-Za-z_][A-Za-z0-9_]*)\(([a-z]+)((?:,[a-z]+)*)\)$/i;

/** A table of Kamailio's or OpenSIPS' db_text, as in its file. */
export interface TextTable {
  /** The definition line as written. */
  readonly header: string;
  readonly columns: readonly string[];
  /** The lines after the first, without line breaks; some may be empty. */
  readonly lines: readonly string[];
}

/** Reads a table. Throws SwitchyardError STORE_*. */
export async function readTextTable(path: string): Promise<TextTable> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE) throw new SwitchyardError('STORE_FAILED', `${path}: larger than ${MAX_FILE} bytes`);
    text = await readFile(path, 'latin1');
  } catch (error) {
    throw fileError(path, error);
  }
  const [header = '', ...lines] = text.split('\n').map(withoutReturn);
  return { header, columns: parseColumns(path, header), lines };
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

function parseColumns(path: string, header: string): string[] {
  const definitions = header.split(/\s+/).filter((definition) => definition !== '');
  if (definitions.length === 0) throw new SwitchyardError('STORE_SCHEMA', `${path}: line 1 defines no columns`);
  return definitions.map((definition) => {
    const match = COLUMN.exec(definition);
    if (match === null) {
      const shown = JSON.stringify(definition.slice(0, 100));
      throw new SwitchyardError('STORE_SCHEMA', `${path}: line 1: bad column definition ${shown}, expected name(type)`);
    }
    return match[1] as string;
  });
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0' };

/** The fields of a row, unescaped. */
export function parseTextRow(line: string): string[] {
  if (!line.includes('\\')) return line.split(':');
  const fields: string[] = [];
  let field = '';
  for (let i = 0; i < line.length; i++) {
    const char = line[i] as string;
    if (char === ':') {
      fields.push(field);
      field = '';
    } else if (char === '\\' && i + 1 < line.length) {
      const next = line[++i] as string;
      field += ESCAPES[next] ?? next;
    } else {
      field += char;
    }
  }
  fields.push(field);
  return fields;
}

const LETTERS: Readonly<Record<string, string>> = { '\n': 'n', '\r': 'r', '\t': 't', '\0': '0' };

/** A row as a line of the file. */
export function formatTextRow(fields: readonly string[]): string {
  return fields.map((field) => field.replace(/[\\:\n\r\t\0]/g, (char) => `\\${LETTERS[char] ?? char}`)).join(':');
}

/** Replaces a file in one step: readers see the old or the new one, never a part. Throws SwitchyardError STORE_*. */
export async function replaceFile(path: string, text: string): Promise<void> {
  let temporary: string | undefined;
  try {
    const target = await realpath(path).catch(() => path);
    const old = await stat(target).catch(() => undefined);
    temporary = `${target}.${process.pid}.tmp`;
    const file = await open(temporary, 'w', old?.mode ?? 0o660);
    try {
      if (old !== undefined) {
        await file.chmod(old.mode & 0o7777);
        if (old.uid !== process.getuid?.() || old.gid !== process.getgid?.()) await file.chown(old.uid, old.gid);
      }
      await file.writeFile(text, 'latin1');
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    if (temporary !== undefined) await unlink(temporary).catch(() => {});
    throw fileError(path, error);
  }
}

/** Converts an error of the file system. */
function fileError(path: string, error: unknown): SwitchyardError {
  if (error instanceof SwitchyardError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') {
    const reason = `${path}: no such file (switchyard db init makes it)`;
    return new SwitchyardError('STORE_UNREACHABLE', reason, { cause: error, retryable: true });
  }
  const readOnly = code === 'EACCES' || code === 'EROFS' || code === 'EPERM';
  return new SwitchyardError(readOnly ? 'STORE_READONLY' : 'STORE_FAILED', `${path}: ${message}`, {
    cause: error,
    retryable: true,
  });
}
