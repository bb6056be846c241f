import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSettings } from '../../config/load.js';
import { ConfigError, formatProblems } from '../../config/problem.js';
import { messageOf, SwitchyardError } from '../../core/errors.js';
import type { CommandIo } from '../line/io.js';
import { importCfg } from './import-cfg.js';

/** switchyard import: a foreign configuration becomes files of ours. Returns the exit status. */
export function importConfiguration(
  options: { readonly out?: string | undefined; readonly force?: boolean | undefined },
  positionals: readonly string[],
  io: CommandIo,
): number {
  const [file] = positionals;
  if (file === undefined) throw new SwitchyardError('USAGE', 'import needs a configuration file');
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch (error) {
    throw new SwitchyardError('USAGE', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
  const { settings, partitions, notes } = importCfg(text);
  const out = options.out ?? '.';
  const files: [path: string, content: object][] = [[join(out, 'switchyard.json'), settings]];
  for (const [name, partition] of partitions) files.push([join(out, 'partitions', `${name}.json`), partition]);
  const taken = files.map(([path]) => path).filter((path) => existsSync(path));
  if (taken.length > 0 && options.force !== true) {
    io.err(`${taken.join(', ')} there already: nothing was written (--force replaces)\n`);
    return 1;
  }
  mkdirSync(partitions.size > 0 ? join(out, 'partitions') : out, { recursive: true });
  for (const [path, content] of files) {
    // Passwords of database URLs stand in these files.
    writeFileSync(path, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o640 });
    io.out(`wrote ${path}\n`);
  }
  for (const note of notes) io.err(`${file}: ${note}\n`);
  try {
    loadSettings(join(out, 'switchyard.json'));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    io.err(`what was written needs your attention:\n${formatProblems(error.problems)}\n`);
    return 1;
  }
  return 0;
}
