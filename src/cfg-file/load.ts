import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { ConfigurationTree } from '../cfg/ast.js';
import { compileScript } from '../cfg/compile/script.js';
import { type Dialect, KAMAILIO, KAMAILIO_6, OPENSIPS, OPENSIPS_3, OPENSIPS_OLD } from '../cfg/dialect.js';
import type { FunctionTable } from '../cfg/function-table.js';
import { type CfgProblem, inKamailioOrder, Problems, problemText } from '../cfg/problem.js';
import type { CompiledScript } from '../cfg/script.js';
import { parseConfiguration } from '../cfg/source/configuration.js';
import { detectDialect, detectOpensips } from '../cfg/source/detect-dialect.js';
import { preprocessed } from '../cfg/source/external.js';
import type { SourceFile, SourceReader } from '../cfg/source/sources.js';
import { messageOf, SwitchyardError, unreadableReason } from '../core/errors.js';
import { maskSecrets } from '../core/mask.js';
import { writeKept } from '../modules/acc/kept.js';
import { scriptFunctions } from '../modules/all.js';
import { MODULE_COMMANDS } from '../modules/commands.js';
import { hasGatewayList, inGatewayList } from '../modules/gateway-blacklists.js';
import { moduleHooks } from '../modules/hooks.js';
import { fillHashTables } from '../modules/htable/database.js';
import { MASKING, messageMask } from '../modules/masks.js';
import { type RaisedEvent, raisedEvents } from '../modules/raised-events.js';
import { timedRoutes } from '../modules/rtimer.js';
import { type ModuleStatistic, moduleStatistics } from '../modules/statistics.js';
import { startModuleTimers } from '../modules/timers.js';
import { scriptVariables } from '../modules/variables.js';
import { httpGate } from '../modules/xhttp.js';
import { compileFormat, type Format } from '../pvar/format.js';
import { withVariables } from '../pvar/names.js';
import type { MessageRun } from '../script/call.js';
import type { ScriptCommand } from '../script/commands.js';
import type { ModuleStates, ScriptEnvironment } from '../script/environment.js';
import type { ScriptHooks } from '../script/hooks.js';
import { hiddenKamailioVariables } from './kamailio-variables.js';
import { checkModuleParameters, namedRoutes } from './module-parameters.js';
import { hiddenVariables } from './opensips/variables.js';
import { type CfgSettings, cfgSettings } from './settings.js';

/** Options for reading a cfg file. */
export interface LoadCfgOptions {
  /** "opensips", "opensips-2.1", "kamailio"; detected from the file when omitted. */
  readonly dialect?: string | undefined;
  /** Definitions given as `-A name=value`. */
  readonly defines?: ReadonlyMap<string, string>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly unknownFunctions?: 'refuse' | 'log';
  /** Folder of the sockets that Kamailio's modules open by default (its option -Y). Default /run/kamailio. */
  readonly runtimeFolder?: string | undefined;
  /** Command that preprocesses the file: "m4 -s". */
  readonly preprocess?: string | undefined;
  /** Whether statements report to the trace of a run. */
  readonly traced?: boolean;
  /** Texts by path that were read before; then no file is read, and other paths do not exist. */
  readonly texts?: ReadonlyMap<string, string> | undefined;
}

/** A cfg file that was read, checked and compiled. */
export interface LoadedCfg extends CfgSettings {
  readonly file: string;
  readonly folder: string;
  readonly dialect: Dialect;
  readonly tree: ConfigurationTree;
  readonly script: CompiledScript<MessageRun>;
  readonly functions: FunctionTable<MessageRun>;
  /** Callbacks of its modules. */
  readonly hooks: ScriptHooks;
  /**
   * Makes the object that changes messages when they are received and sent (topoh, topos); it returns undefined where
   * no module does that.
   */
  readonly mask: typeof messageMask;
  /** Whether a module of the file does that. */
  readonly masks: boolean;
  /** Makes the handler of HTTP requests; it returns undefined for a file without a route for them. */
  readonly http: typeof httpGate;
  /** Gives modules the rows read from their tables. Must be called before the first route runs. */
  readonly fill: (env: ScriptEnvironment) => void;
  /** Starts the timers of its modules; the returned function stops them. */
  readonly startTimers: (env: () => ScriptEnvironment) => () => void;
  /**
   * `hasList`: whether a module has an address list with this name. `inList`: whether an address is in one of some
   * lists.
   */
  readonly hasList: (env: ScriptEnvironment, name: string) => boolean;
  readonly inList: (env: ScriptEnvironment, names: readonly string[], address: string) => boolean;
  /** Writes the record of a whole call that was kept for a process which has died. */
  readonly writeKept: (env: ScriptEnvironment, text: string, ended: number) => void;
  /** Statistics of the script and its modules. */
  readonly statistics: (states: ModuleStates) => readonly ModuleStatistic[];
  /** Management commands of its modules. */
  readonly commands: readonly ScriptCommand[];
  /** Compiles a text with variables by the rules of the script. Throws SwitchyardError PVAR_*. */
  readonly compile: (text: string) => Format;
  /** The events that it raises, beside the dispatcher's. */
  readonly events: readonly RaisedEvent[];
  readonly warnings: readonly CfgProblem[];
  /** Texts of the file and of the files it includes, by path. */
  readonly sources: ReadonlyMap<string, string>;
  /** Options it was read with. */
  readonly readAs: LoadCfgOptions;
  /** Compiles the same texts again so that statements report to a trace; the result shares nothing with this object. */
  readonly traced: () => LoadedCfg;
}

/** A cfg file that cannot be used. */
export class CfgError extends SwitchyardError {
  constructor(readonly problems: readonly CfgProblem[]) {
    const errors = problems.filter(({ severity }) => severity === 'error');
    super('CONFIG_INVALID', errors.slice(0, 20).map(problemText).join('\n') || 'the file cannot be used');
  }
}

/** Dialects by their names for `--dialect`. "opensips" detects the version from the file. */
const DIALECTS: Readonly<Record<string, Dialect>> = {
  'opensips-4': OPENSIPS,
  'opensips-3': OPENSIPS_3,
  'opensips-2.1': OPENSIPS_OLD,
  'opensips-old': OPENSIPS_OLD,
  kamailio: KAMAILIO,
  'kamailio-5.6': KAMAILIO,
  'kamailio-6': KAMAILIO_6,
};

/** Result of reading a cfg file, usable or not. */
export interface CfgReading {
  readonly file: string;
  /** undefined when it cannot be detected. */
  readonly dialect: Dialect | undefined;
  readonly tree: ConfigurationTree | undefined;
  readonly problems: readonly CfgProblem[];
  /** In the form of switchyard.json; undefined without a tree. */
  readonly settings?: CfgSettings['settings'];
  /** undefined when one of the problems is an error. */
  readonly loaded: LoadedCfg | undefined;
}

/** Reads a cfg file with its includes, and compiles it. Throws SwitchyardError when the file itself cannot be read. */
export function readCfg(path: string, options: LoadCfgOptions = {}): CfgReading {
  const file = resolve(path);
  const folder = dirname(file);
  const problems = new Problems();
  const failed = (message: string): CfgReading => {
    problems.error('setting', { file, line: 1, column: 1 }, message);
    return { file, dialect: undefined, tree: undefined, problems: problems.list, loaded: undefined };
  };
  let source: SourceFile = { file, text: mainText(file, options.texts) };
  const sources = new Map([[file, source.text]]);
  try {
    if (options.preprocess !== undefined) source = preprocessed(source, options.preprocess);
  } catch (error) {
    return failed(messageOf(error));
  }
  const given = options.dialect;
  const dialect =
    given === undefined
      ? detectDialect(source.text)
      : given === 'opensips'
        ? detectOpensips(source.text)
        : DIALECTS[given];
  if (dialect === undefined) {
    return failed(
      given === undefined
        ? 'the language of the file cannot be detected: add --dialect opensips or --dialect kamailio'
        : `unknown dialect "${given}": expected one of opensips, ${Object.keys(DIALECTS).join(', ')}`,
    );
  }
  const parsed = parseConfiguration(source, {
    dialect,
    reader: readerIn(folder, sources, options.texts),
    ...(options.defines === undefined ? {} : { defines: options.defines }),
    environment: options.environment ?? process.env,
  });
  const { tree } = parsed;
  const compiled = compiledFrom(tree, dialect, file, sources, options);
  const found = [...parsed.problems, ...compiled.problems];
  const all = dialect.name === 'kamailio' ? inKamailioOrder(found, [...sources.keys()]) : found;
  const ok = all.every(({ severity }) => severity !== 'error');
  const loaded = ok && compiled.cfg !== undefined ? { ...compiled.cfg, warnings: all } : undefined;
  return { file, dialect, tree, problems: all, settings: compiled.settings, loaded };
}

/** Settings and script of a tree; without a script when the tree has errors. */
function compiledFrom(
  tree: ConfigurationTree,
  dialect: Dialect,
  file: string,
  sources: ReadonlyMap<string, string>,
  options: LoadCfgOptions,
): {
  readonly cfg: LoadedCfg | undefined;
  readonly settings: CfgSettings['settings'];
  readonly problems: readonly CfgProblem[];
} {
  const problems = new Problems();
  const settings = cfgSettings(tree, dialect, problems, options.runtimeFolder);
  const functions = scriptFunctions();
  const loops = settings.globals.maxWhileLoops;
  const { script, problems: compiled } = compileScript<MessageRun>(tree, {
    dialect,
    functions,
    variables: scriptVariables(dialect),
    ...(options.unknownFunctions === undefined ? {} : { unknownFunctions: options.unknownFunctions }),
    hiddenVariables: new Set([...hiddenVariables(dialect, tree), ...hiddenKamailioVariables(dialect, tree)]),
    facts: {
      sockets: settings.globals.listen,
      statelessForward: !settings.globals.disableStatelessForward,
      asserts: settings.globals.asserts,
      later: dialect.later,
      plainReturns: settings.globals.plainReturns,
      parameter: (module, name) => settings.modules.get(module)?.get(name)?.at(-1),
      folder: dirname(resolve(file)),
    },
    entered: [...timedRoutes(settings.modules), ...namedRoutes(settings.modules)],
    ...(loops === undefined ? {} : { bounds: { loops } }),
    ...(options.traced === undefined ? {} : { traced: options.traced }),
  });
  const names = withVariables(dialect.names, scriptVariables(dialect));
  const compile = (text: string): Format => compileFormat(text, { names });
  checkModuleParameters(tree, settings, compile, dialect.name, problems);
  const all = [...problems.list, ...compiled];
  const traced = (): LoadedCfg => {
    const { cfg } = compiledFrom(tree, dialect, file, sources, { ...options, traced: true });
    // Cannot happen: the same tree was compiled without errors before.
    if (cfg === undefined) throw new CfgError(all);
    return cfg;
  };
  const cfg =
    script === undefined
      ? undefined
      : {
          ...settings,
          file,
          folder: dirname(file),
          dialect,
          tree,
          script,
          functions,
          hooks: moduleHooks(settings.loaded),
          mask: messageMask,
          http: httpGate,
          fill: fillHashTables,
          startTimers: startModuleTimers,
          hasList: hasGatewayList,
          inList: inGatewayList,
          masks: MASKING.some((each) => settings.loaded.has(each)),
          commands: MODULE_COMMANDS,
          writeKept,
          statistics: moduleStatistics,
          compile,
          events: raisedEvents(dialect.name, settings.loaded, tree.routes),
          warnings: all,
          sources,
          readAs: options,
          traced,
        };
  return { cfg, settings: settings.settings, problems: all };
}

/** Like `readCfg`, for callers that need a usable file. Throws CfgError with all problems. */
export function loadCfg(path: string, options: LoadCfgOptions = {}): LoadedCfg {
  const { loaded, problems } = readCfg(path, options);
  if (loaded === undefined) throw new CfgError(problems);
  return loaded;
}

/** The text of the main file. Throws SwitchyardError CONFIG_UNREADABLE. */
function mainText(path: string, texts: LoadCfgOptions['texts']): string {
  try {
    return textAt(path, texts);
  } catch (error) {
    throw new SwitchyardError('CONFIG_UNREADABLE', `${maskSecrets(path)} cannot be read: ${unreadableReason(error)}`, {
      cause: error,
    });
  }
}

/** The text at a path. Throws when there is none. */
function textAt(path: string, texts: LoadCfgOptions['texts']): string {
  if (texts === undefined) return readFileSync(path, 'latin1');
  const text = texts.get(path);
  if (text === undefined) throw new Error(`${path} was not read`);
  return text;
}

/**
 * Reads included files: an absolute path, a path beside the including file, or one in the folder of the main file.
 * Their texts are added to `sources`.
 */
function readerIn(folder: string, sources: Map<string, string>, texts: LoadCfgOptions['texts']): SourceReader {
  return {
    read(path, from) {
      const paths = isAbsolute(path) ? [path] : [join(dirname(from), path), join(folder, path), resolve(path)];
      for (const candidate of paths) {
        try {
          const text = textAt(candidate, texts);
          sources.set(candidate, text);
          return { file: candidate, text };
        } catch {
          // The next path is tried.
        }
      }
      return undefined;
    },
  };
}
