import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readSettings } from '../config/load.js';
import { ConfigError, type Problem } from '../config/problem.js';
import type { Settings } from '../config/settings.js';
import { readSource } from '../config/source.js';
import { type LoadCfgOptions, type LoadedCfg, loadCfg } from './load.js';

/**
 * What switchyard.json says about reading the cfg file: dialect, preprocessor, unknown functions. A value of the wrong type
 * is passed over here; the schema refuses it later.
 */
function readingOf(json: Record<string, unknown>): LoadCfgOptions {
  const { dialect, preprocess, unknown_functions: unknown } = json;
  return {
    ...(typeof dialect === 'string' ? { dialect } : {}),
    ...(typeof preprocess === 'string' ? { preprocess } : {}),
    ...(unknown === 'log' ? { unknownFunctions: 'log' } : {}),
  };
}

/** The options of the command line that were given; they take precedence over those of switchyard.json. */
function definedOf(options: LoadCfgOptions): LoadCfgOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Settings and script of a configuration file, with those of a switchyard.json beside it. */
export interface CompleteCfg {
  readonly cfg: LoadedCfg;
  readonly settings: Settings;
  /** What was accepted but is worth a line in the log. */
  readonly warnings: readonly Problem[];
}

/** Settings that come from the cfg file; those of switchyard.json are not used. */
const OF_THE_FILE = [
  'listen',
  'advertise',
  'partitions',
  'default',
  'modparam',
  'routing',
  'route_script',
  'tm',
  '$schema',
  'script',
];

/**
 * Loads a configuration file for the daemon. `json` names a file with what configuration files cannot say (NATS, access, the console, limits);
 * without it, it is switchyard.json beside the file, if there is one. Throws CfgError, ConfigError.
 */
export function loadCompleteCfg(path: string, options: LoadCfgOptions = {}, json?: string): CompleteCfg {
  const beside = json ?? join(dirname(resolve(path)), 'switchyard.json');
  let rest: Record<string, unknown> = {};
  if (json !== undefined || existsSync(beside)) {
    const problems: Problem[] = [];
    const source = readSource(beside, {}, problems);
    if (source === undefined || problems.length > 0) throw new ConfigError(problems, 'CONFIG_UNREADABLE');
    rest = { ...(source.value as Record<string, unknown>) };
    for (const key of OF_THE_FILE) delete rest[key];
  }
  const cfg = loadCfg(path, { ...readingOf(rest), ...definedOf(options) });
  const { mi, ...own } = cfg.settings as { mi?: Record<string, unknown> };
  const merged = {
    ...rest,
    ...own,
    ...(mi === undefined && rest['mi'] === undefined ? {} : { mi: { ...(rest['mi'] as object), ...mi } }),
  };
  const { settings, warnings } = readSettings(merged, { cwd: cfg.folder }, cfg.file);
  return { cfg, settings, warnings };
}
