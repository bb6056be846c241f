import { dirname, resolve } from 'node:path';
import type { ConfigurationTree } from '../../cfg/ast.js';
import type { Dialect } from '../../cfg/dialect.js';
import { Problems } from '../../cfg/problem.js';
import { moduleValues } from '../../cfg-file/parameters.js';
import { tlsSettings } from '../../cfg-file/tls.js';
import type { WrittenJson } from './json.js';
import type { Ledger } from './ledger.js';

/** Settings with names of files. */
const FILES: ReadonlySet<string> = new Set(['certificate', 'private_key', 'ca', 'ca_dir', 'crl', 'dh_params']);

/**
 * The certificates and domains of the modules "tls" and "tls_mgm", read as "serve --cfg" reads them; undefined when the
 * file has none. What cannot be read is reported in the ledger.
 */
export function importTls(tree: ConfigurationTree, dialect: Dialect, ledger: Ledger): WrittenJson | undefined {
  const problems = new Problems();
  const tls = tlsSettings(tree, moduleValues(tree), dialect.name, problems);
  for (const { at, message } of problems.list) ledger.leave(at, message);
  return tls === undefined ? undefined : absolute(tls as WrittenJson, dirname(ledger.file));
}

/** File names that start from the folder of the cfg file: the written settings are in another folder. */
function absolute(value: WrittenJson, folder: string): WrittenJson {
  if (Array.isArray(value)) return value.map((each) => absolute(each, folder));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as { [key: string]: WrittenJson }).map(([key, each]): [string, WrittenJson] => [
    key,
    FILES.has(key) && typeof each === 'string' && each !== 'none' ? resolve(folder, each) : absolute(each, folder),
  ]);
  return Object.fromEntries(entries);
}
