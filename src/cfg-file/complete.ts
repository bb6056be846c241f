import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { clusterById } from '../config/cluster.js';
import type { Json, JsonObject } from '../config/json-source.js';
import { NO_PARTITION, readSettings } from '../config/load.js';
import { ConfigError, type Problem } from '../config/problem.js';
import type { Settings } from '../config/settings.js';
import { readSource } from '../config/source.js';
import { type LoadCfgOptions, type LoadedCfg, loadCfg } from './load.js';
import type { ClustererValues } from './opensips/clusterer.js';

/**
 * The settings of switchyard.json about reading the cfg file: dialect, preprocessor, unknown functions. A value of the
 * wrong type is ignored here; the schema refuses it later.
 */
function readingOf(json: Record<string, unknown>): LoadCfgOptions {
  const { dialect, preprocess, unknown_functions: unknown } = json;
  return {
    ...(typeof dialect === 'string' ? { dialect } : {}),
    ...(typeof preprocess === 'string' ? { preprocess } : {}),
    ...(unknown === 'log' ? { unknownFunctions: 'log' } : {}),
  };
}

/** The options given on the command line; they take precedence over those of switchyard.json. */
function definedOf(options: LoadCfgOptions): LoadCfgOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Settings and script of a cfg file, merged with the settings of a switchyard.json. */
export interface CompleteCfg {
  readonly cfg: LoadedCfg;
  readonly settings: Settings;
  /** Problems that do not prevent the start; they are logged. */
  readonly warnings: readonly Problem[];
}

/** Settings that the cfg file gives; those of switchyard.json are ignored, except `sips_needs_tls` of `tm`. */
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
 * Loads a cfg file for the daemon. `json` names a file with the settings that cfg files cannot give (NATS, access, the
 * console, limits); by default it is switchyard.json in the same folder, if there is one. Throws CfgError, ConfigError.
 */
export function loadCompleteCfg(path: string, options: LoadCfgOptions = {}, json?: string): CompleteCfg {
  const beside = json ?? join(dirname(resolve(path)), 'switchyard.json');
  let rest: JsonObject = {};
  let sips: Json | undefined;
  if (json !== undefined || existsSync(beside)) {
    const problems: Problem[] = [];
    const source = readSource(beside, {}, problems);
    if (source === undefined || problems.length > 0) throw new ConfigError(problems, 'CONFIG_UNREADABLE');
    rest = { ...(source.value as JsonObject) };
    sips = (rest['tm'] as JsonObject | null | undefined)?.['sips_needs_tls'];
    for (const key of OF_THE_FILE) delete rest[key];
  }
  const cfg = loadCfg(path, { ...readingOf(rest), ...definedOf(options) });
  const { mi, hep, ...own } = cfg.settings;
  const merged: JsonObject = {
    ...rest,
    ...own,
    ...(sips === undefined ? {} : { tm: { ...(own['tm'] as JsonObject | undefined), sips_needs_tls: sips } }),
    ...(hep === undefined || rest['hep'] !== undefined ? {} : { hep }),
    ...(mi === undefined && rest['mi'] === undefined
      ? {}
      : { mi: withEndpoints(rest['mi'] as JsonObject | undefined, mi as JsonObject | undefined) }),
  };
  const { settings, warnings } = readSettings(withCluster(merged, cfg.clusterer), { cwd: cfg.folder }, cfg.file);
  // A file that does not load the dispatcher selects nothing.
  const selects = cfg.loaded.has('dispatcher');
  return { cfg, settings, warnings: warnings.filter(({ reason }) => selects || reason !== NO_PARTITION) };
}

/**
 * Merges the management endpoints. An endpoint that a module opens by default, without being named in the cfg file, is
 * only used when switchyard.json has none of its kind.
 */
function withEndpoints(rest: JsonObject = {}, own: JsonObject = {}): JsonObject {
  const named = Object.entries(own).filter(
    ([key, list]) => rest[key] === undefined || !Array.isArray(list) || list.some((each) => !isOptional(each)),
  );
  return { ...rest, ...Object.fromEntries(named) };
}

function isOptional(endpoint: Json): boolean {
  return (endpoint as JsonObject)['optional'] === true;
}

/** Takes the node's name and its sharing tags from the cfg file where switchyard.json does not give them. */
function withCluster(settings: JsonObject, { node, tags }: ClustererValues): JsonObject {
  const shared = clusterById(settings);
  const named = node === undefined || shared['node'] !== undefined ? shared : { ...shared, node };
  const cluster = named['cluster'];
  if (cluster === null || typeof cluster !== 'object' || Array.isArray(cluster) || Object.keys(tags).length === 0) {
    return named;
  }
  return { ...named, cluster: { ...cluster, tags: { ...tags, ...(cluster['tags'] as JsonObject | undefined) } } };
}
