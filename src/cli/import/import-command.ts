import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { loadSettings } from '../../config/load.js';
import { ConfigError, formatProblems } from '../../config/problem.js';
import { schemaUrl } from '../../config/schema.js';
import { unreadableReason } from '../../core/errors.js';
import { plural } from '../../core/plural.js';
import { compositionFaults } from '../../daemon/composition.js';
import { usageError } from '../line/command.js';
import type { CommandIo } from '../line/io.js';
import { importCfg } from './import-cfg.js';
import { remarkText } from './ledger.js';

/** Options of "import". */
export interface ImportOptions {
  readonly out?: string | undefined;
  readonly force?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly define?: ReadonlyMap<string, string> | undefined;
  readonly preprocess?: string | undefined;
}

/**
 * switchyard import: converts a configuration of OpenSIPS or Kamailio to our files. Returns the exit status: 0 only if
 * everything was imported. Throws SwitchyardError if the file or the output of its preprocessor cannot be read.
 */
export function importConfiguration(options: ImportOptions, file: string, io: CommandIo): number {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch (error) {
    throw usageError(`cannot read ${file}: ${unreadableReason(error)}`, error);
  }
  const { define: defines, preprocess } = options;
  const { settings, partitions, left, notes } = importCfg(text, file, undefined, { defines, preprocess });
  const out = options.out ?? '.';
  const main = join(out, 'switchyard.json');
  const files: [path: string, content: object][] = [[main, { $schema: schemaUrl('settings'), ...settings }]];
  for (const [name, partition] of partitions) {
    files.push([join(out, 'partitions', `${name}.json`), { $schema: schemaUrl('partition'), ...partition }]);
  }
  const taken = files.map(([path]) => path).filter((path) => existsSync(path));
  if (taken.length > 0 && options.force !== true) {
    io.err(`already there: ${taken.join(', ')}: nothing was written (--force replaces existing files)\n`);
    return 1;
  }
  for (const [path, content] of files) {
    mkdirSync(dirname(path), { recursive: true });
    // The files contain passwords of database URLs.
    writeFileSync(path, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o640 });
  }
  const problems = faultsOf(main);
  const rules = (settings['routing'] as readonly { readonly select?: unknown }[]).filter(
    (rule) => rule.select !== undefined,
  );
  const written = files.map(([path]) => path);
  const complete = left.length === 0 && problems.length === 0;
  if (options.json === true) {
    io.out(
      `${JSON.stringify({ complete, files: written.map((path) => resolve(path)), rules: rules.length, left, notes, problems }, undefined, 2)}\n`,
    );
    return complete ? 0 : 1;
  }
  for (const path of written) io.out(`wrote ${path}\n`);
  for (const note of notes) io.err(`note: ${remarkText(note)}\n`);
  for (const remark of left) io.err(`not carried over: ${remarkText(remark)}\n`);
  if (problems.length > 0) io.err(`what was written needs your attention:\n${formatProblems(problems)}\n`);
  io.err(
    complete
      ? `everything was carried over; ${plural(rules.length, 'selection')} became rules\n`
      : `${plural(left.length, 'thing')} not carried over; ${plural(rules.length, 'rule')} with a selection\n`,
  );
  return complete ? 0 : 1;
}

function faultsOf(file: string): ConfigError['problems'] {
  try {
    loadSettings(file, { inspect: compositionFaults });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
