import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { ConfigurationTree } from '../cfg/ast.js';
import { compileScript } from '../cfg/compile/script.js';
import { type Dialect, KAMAILIO, OPENSIPS, OPENSIPS_OLD } from '../cfg/dialect.js';
import type { FunctionTable } from '../cfg/function-table.js';
import { type CfgProblem, Problems, problemText } from '../cfg/problem.js';
import type { CompiledScript } from '../cfg/script.js';
import { parseConfiguration } from '../cfg/source/configuration.js';
import { detectDialect } from '../cfg/source/detect-dialect.js';
import type { SourceReader } from '../cfg/source/sources.js';
import { SwitchyardError } from '../core/errors.js';
import { scriptFunctions } from '../modules/all.js';
import { scriptVariables } from '../modules/variables.js';
import type { MessageRun } from '../script/call.js';
import { type CfgSettings, cfgSettings } from './settings.js';

/** How a configuration file is read. */
export interface LoadCfgOptions {
  /** "opensips", "opensips-2.1", "kamailio"; found out by the file itself when left out. */
  readonly dialect?: string | undefined;
  /** `-A name=value`. */
  readonly defines?: ReadonlyMap<string, string>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly unknownFunctions?: 'refuse' | 'log';
}

/** A configuration file, read, checked and compiled. */
export interface LoadedCfg extends CfgSettings {
  readonly file: string;
  readonly folder: string;
  readonly dialect: Dialect;
  readonly tree: ConfigurationTree;
  readonly script: CompiledScript<MessageRun>;
  readonly functions: FunctionTable<MessageRun>;
  readonly warnings: readonly CfgProblem[];
}

/** A configuration file that cannot be used. */
export class CfgError extends SwitchyardError {
  constructor(readonly problems: readonly CfgProblem[]) {
    const errors = problems.filter(({ severity }) => severity === 'error');
    super('CONFIG_INVALID', errors.slice(0, 20).map(problemText).join('\n') || 'the file cannot be used');
  }
}

/** The dialects by the names of `--dialect`. */
const DIALECTS: Readonly<Record<string, Dialect>> = {
  opensips: OPENSIPS,
  'opensips-2.1': OPENSIPS_OLD,
  'opensips-old': OPENSIPS_OLD,
  kamailio: KAMAILIO,
};

/** Reads a configuration file with all it includes. Throws CfgError with every problem. */
export function loadCfg(path: string, options: LoadCfgOptions = {}): LoadedCfg {
  const file = resolve(path);
  const folder = dirname(file);
  const text = readFileSync(file, 'latin1');
  const problems = new Problems();
  const dialect = options.dialect === undefined ? detectDialect(text) : DIALECTS[options.dialect];
  if (dialect === undefined) {
    const given = options.dialect;
    const message =
      given === undefined
        ? 'neither OpenSIPS nor Kamailio can be told from the file: say --dialect opensips or kamailio'
        : `unknown dialect "${given}": one of ${Object.keys(DIALECTS).join(', ')}`;
    problems.error('setting', { file, line: 1, column: 1 }, message);
    throw new CfgError(problems.list);
  }
  const parsed = parseConfiguration(
    { file, text },
    {
      dialect,
      reader: readerIn(folder),
      ...(options.defines === undefined ? {} : { defines: options.defines }),
      environment: options.environment ?? process.env,
    },
  );
  const all: CfgProblem[] = [...parsed.problems];
  const settings = cfgSettings(parsed.tree, dialect, problems);
  all.push(...problems.list);
  const functions = scriptFunctions();
  const loops = settings.globals.maxWhileLoops;
  const compiled = compileScript<MessageRun>(parsed.tree, {
    dialect,
    functions,
    variables: scriptVariables(dialect.name),
    ...(options.unknownFunctions === undefined ? {} : { unknownFunctions: options.unknownFunctions }),
    ...(loops === undefined ? {} : { bounds: { loops } }),
  });
  all.push(...compiled.problems);
  const { script } = compiled;
  if (script === undefined || all.some(({ severity }) => severity === 'error')) throw new CfgError(all);
  return { ...settings, file, folder, dialect, tree: parsed.tree, script, functions, warnings: all };
}

/** Included files: beside the file that includes, in the folder of the first one, or absolute. */
function readerIn(folder: string): SourceReader {
  return {
    read(path, from) {
      const places = isAbsolute(path) ? [path] : [join(dirname(from), path), join(folder, path), resolve(path)];
      for (const place of places) {
        try {
          return { file: place, text: readFileSync(place, 'latin1') };
        } catch {
          // The next place is tried.
        }
      }
      return undefined;
    },
  };
}
