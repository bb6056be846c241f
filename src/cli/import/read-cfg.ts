import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import type { ConfigurationTree, Position } from '../../cfg/ast.js';
import { type Dialect, KAMAILIO, OPENSIPS } from '../../cfg/dialect.js';
import { parseConfiguration } from '../../cfg/source/configuration.js';
import { detectDialect } from '../../cfg/source/detect-dialect.js';
import { preprocessed } from '../../cfg/source/external.js';
import { MAX_FILE, type SourceFile, type SourceReader } from '../../cfg/source/sources.js';
import type { Ledger } from './ledger.js';

/** A parsed configuration of OpenSIPS or Kamailio. */
export interface ReadConfiguration {
  readonly tree: ConfigurationTree;
  readonly dialect: Dialect;
  readonly kamailio: boolean;
}

/** Options for reading a file. */
export interface CfgReadOptions {
  /** Definitions for "#!ifdef" and its kin. */
  readonly defines?: ReadonlyMap<string, string> | undefined;
  /** Command that preprocesses the file: "m4 -s". */
  readonly preprocess?: string | undefined;
}

/** Lines that m4 understands and neither program does. */
const M4 = /^(?:define\(|dnl\b|divert\(|changequote\(|m4_)/m;

/** Reads included files from the folder of the including file, else from the working folder, like the originals. */
export const diskReader: SourceReader = {
  read(path, from) {
    const paths = isAbsolute(path) ? [path] : [resolve(dirname(from), path), resolve(path)];
    for (const candidate of paths) {
      try {
        return { file: candidate, text: readFileSync(candidate, 'latin1') };
      } catch {
        // Tries the next folder; if there is none, that is reported.
      }
    }
    return undefined;
  },
};

/**
 * Parses a configuration and the files it includes. What cannot be read is reported in the ledger; never throws because
 * of the text. Throws an Error when the preprocessor fails.
 */
export function readConfiguration(
  given: SourceFile,
  reader: SourceReader,
  ledger: Ledger,
  { defines, preprocess }: CfgReadOptions = {},
): ReadConfiguration {
  const source = preprocess === undefined ? given : preprocessed(given, preprocess);
  if (preprocess === undefined && M4.test(given.text)) {
    ledger.leave(undefined, 'the file has m4 macros, which were not expanded: --preprocess "m4 -s"');
  }
  const dialect = detectDialect(source.text) ?? guessed(source.text);
  if (source.text.length > MAX_FILE) {
    ledger.leave(undefined, `the file is larger than ${MAX_FILE} bytes and was not read`);
    const { tree } = parseConfiguration({ ...source, text: '' }, { dialect, reader });
    return { tree, dialect, kamailio: dialect.name === 'kamailio' };
  }
  const texts = new Map([[source.file, source.text]]);
  const recording: SourceReader = {
    read(path, from) {
      const found = reader.read(path, from);
      if (found !== undefined) texts.set(found.file, found.text);
      else
        ledger.leave(
          positionOf(path, from, texts),
          `included file "${path}" cannot be read: nothing of it is carried over`,
        );
      return found;
    },
  };
  const { tree, problems } = parseConfiguration(source, {
    dialect,
    reader: recording,
    environment: process.env,
    ...(defines === undefined ? {} : { defines }),
  });
  // A missing file has been reported, and parameters are imported even if their module is not loaded.
  for (const { code, at, message } of problems) {
    if (/is not loaded before/.test(message)) continue;
    if (code !== 'include' || !/cannot be read/.test(message)) ledger.leave(at, `not understood: ${message}`);
  }
  return { tree, dialect, kamailio: dialect.name === 'kamailio' };
}

/** A file without clear signs is recognised by parameters that only one dispatcher has. */
function guessed(text: string): Dialect {
  const parameter = /modparam\s*\(\s*"dispatcher"\s*,\s*"(?:list_file|flags|ds_hash_size|xavp_\w+)"/;
  return parameter.test(text) || /"(?:tmx|jsonrpcs|ctl|siputils)(?:\.so)?"/.test(text) ? KAMAILIO : OPENSIPS;
}

/** The first line that includes a file. */
function positionOf(path: string, from: string, texts: ReadonlyMap<string, string>): Position {
  const text = texts.get(from) ?? '';
  const at = text.indexOf(`"${path}"`);
  return { file: from, line: at < 0 ? 1 : text.slice(0, at).split('\n').length, column: 1 };
}
