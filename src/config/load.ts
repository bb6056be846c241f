import { availableParallelism, hostname } from 'node:os';
import { resolve } from 'node:path';
import { BoundsReader, readAccess } from './access.js';
import { BUILT_IN, builtInSettings } from './built-in.js';
import { clusterById, readCluster } from './cluster.js';
import { deepFreeze } from './freeze.js';
import type { Json } from './json-source.js';
import { readListeners, warnAboutSendingSockets } from './listeners.js';
import { readDispatcher } from './modparam.js';
import { collectDefinitions } from './partition-definition.js';
import { decidePartitions } from './partitions.js';
import { ConfigError, type Problem } from './problem.js';
import type { RawSettings } from './raw.js';
import { Findings, inside, type Location, numericStringsAsNumbers, soundPart } from './reading.js';
import { readRules } from './routing.js';
import { withDefaults } from './schema.js';
import { readCalls, readHep, readHttp, readLimits, readMi, readNats, refuseOpenNats } from './services.js';
import type { Settings } from './settings.js';
import { defaultFile, fillEnvironment, type ReadJson, type ReadOptions, readSource } from './source.js';
import { stateFolder } from './state-folder.js';
import { readTls } from './tls.js';

/** Settings with the warnings found while reading them. */
export interface LoadedSettings {
  readonly settings: Settings;
  /** Accepted, but worth a line in the log. */
  readonly warnings: readonly Problem[];
}

/**
 * Reads the settings and all partitions they name: replaces environment variables, validates by the schemas, inherits
 * values, fills in defaults, and deep-freezes. Without `file`, reads ./switchyard.json or, if there is none, the
 * built-in defaults.
 * Throws ConfigError with every problem of every file.
 */
export function loadSettings(file: string | undefined, options: ReadOptions = {}): LoadedSettings {
  const cwd = options.cwd ?? process.cwd();
  const findings = new Findings();
  const path = file ?? defaultFile(cwd);
  const source =
    path === undefined
      ? fillEnvironment(builtInSettings(), { file: BUILT_IN, dir: cwd, pointer: '' }, options, findings.problems)
      : readSource(path, options, findings.problems);
  if (source === undefined) throw new ConfigError(findings.problems, 'CONFIG_UNREADABLE');
  return interpret(source, path === undefined ? BUILT_IN : resolve(cwd, path), options, findings);
}

/**
 * Does the same for settings given as a value, for users of the library. Relative paths start from `options.cwd`;
 * `name` is used as the file name in messages.
 * Throws ConfigError with every problem.
 */
export function readSettings(value: unknown, options: ReadOptions = {}, name = '(settings)'): LoadedSettings {
  const findings = new Findings();
  const dir = options.cwd ?? process.cwd();
  // Copied through JSON, so that the caller's object is not kept or changed, and has only JSON values.
  const json = JSON.parse(JSON.stringify(value ?? null)) as Json;
  const source = fillEnvironment(json, { file: name, dir, pointer: '' }, options, findings.problems);
  return interpret(source, name, options, findings);
}

/** The warning about settings without a partition. */
export const NO_PARTITION = 'no partition is defined: every selection will fail';

function interpret(written: ReadJson, file: string, options: ReadOptions, findings: Findings): LoadedSettings {
  const root: Location = { file: written.file, dir: written.dir, pointer: '' };
  const value = written.value;
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    findings.refuse(root, 'must be an object with settings');
    throw new ConfigError(findings.problems);
  }
  const modparam = value['modparam'];
  const normal = modparam === undefined ? value : { ...value, modparam: numericStringsAsNumbers(modparam, 'modparam') };
  const source: ReadJson = { ...written, value: clusterById(normal) };
  const raw = withDefaults('settings', soundPart(source, 'settings', findings)) as RawSettings;

  const definitions = collectDefinitions(source, raw, options, findings);
  const { partitions, defaultPartition } = decidePartitions(
    definitions,
    raw.modparam,
    inside(root, 'modparam'),
    findings,
  );
  const names = new Set(definitions.partitions.keys());
  if (names.size === 0 && !definitions.lost) findings.warn(root, NO_PARTITION);
  const dispatcher = readDispatcher(raw.modparam, inside(root, 'modparam'), names, findings);
  const listen = readListeners(raw, root, findings);
  warnAboutSendingSockets(listen, dispatcher, partitions, root, findings);
  const targets = {
    partitions: names,
    defaultPartition: defaultPartition ?? (definitions.partitions.has('default') ? 'default' : undefined),
    blacklists: new Set(partitions.flatMap((partition) => [...partition.blacklists.keys()])),
    complete: !definitions.lost,
  };
  const routing = readRules(raw.routing, inside(root, 'routing'), targets, findings);
  if (raw.route_script !== undefined && routing.length > 0) {
    findings.warn(inside(root, 'routing'), 'the rules are not used: "route_script" replaces them');
  }
  const node = raw.node ?? nodeName(options.hostname ?? hostname());
  const beside = { node, databases: partitions, folder: stateFolder(root.dir, options.env) };
  const access = readAccess(raw, source, options, findings, targets);
  const bounds = new BoundsReader(access, findings);
  const nats = raw.events.nats && readNats(raw.events.nats, inside(root, 'events', 'nats'), findings, beside);
  refuseOpenNats(raw, nats, root, findings);
  const settings: Settings = {
    file,
    node,
    listen,
    listenByDefault: value['listen'] === undefined,
    dispatcher,
    partitions,
    defaultPartition,
    routing,
    routeScript: raw.route_script === undefined ? undefined : resolve(root.dir, raw.route_script),
    aliases: raw.aliases,
    secret: raw.secret,
    foreignDialogs: raw.foreign_dialogs,
    workers: raw.workers === 'auto' ? automaticWorkers(availableParallelism()) : raw.workers,
    workerSpread: raw.worker_spread,
    tm: {
      frTimeout: raw.tm.fr_timeout,
      frInvTimeout: raw.tm.fr_inv_timeout,
      t1: raw.tm.t1,
      t2: raw.tm.t2,
      t4: raw.tm.t4,
      timerC: raw.tm.timer_c,
      auto100: raw.tm.auto_100,
      tryingDelay: raw.tm.trying_delay,
      udpMaxRequest: raw.tm.udp_max_request,
      localRport: raw.tm.add_local_rport,
      sipsNeedsTls: raw.tm.sips_needs_tls,
      strictReplySource: raw.tm.strict_reply_source,
    },
    mi: readMi(raw, root, new Set(Object.keys(normal)), findings, targets, bounds),
    events: { nats },
    access,
    http: readHttp(raw, root, findings, bounds),
    log: { level: raw.log.level },
    hep: readHep(raw, root, findings),
    telemetry: raw.telemetry && {
      otlp: raw.telemetry.otlp,
      headers: raw.telemetry.headers ?? {},
      service: raw.telemetry.service,
      oneIn: raw.telemetry.one_in,
    },
    calls: readCalls(raw, root, findings),
    privacy: { keepDigits: raw.privacy.keep_digits, hashKey: raw.privacy.hash_key },
    tls: readTls(raw, root, findings),
    limits: readLimits(raw, root, findings),
    cluster: readCluster(raw, root, findings),
  };
  for (const { pointer, reason } of options.inspect?.(settings, findings.problems) ?? []) {
    findings.refuse({ ...root, pointer }, reason);
  }
  if (findings.problems.length > 0) throw new ConfigError(distinct(findings.problems));
  return { settings: deepFreeze(settings), warnings: deepFreeze(distinct(findings.warnings)) };
}

/** Maximum number of workers, since a group of sockets has room for no more. */
const MAX_WORKERS = 24;

/** "auto": one processor remains for the brain. */
function automaticWorkers(processors: number): number {
  return Math.min(MAX_WORKERS, Math.max(1, processors - 1));
}

/** Node names are used in events and stream IDs, so unusual characters of a host name become "-". */
function nodeName(host: string): string {
  return (
    host
      .replace(/[^A-Za-z0-9_.-]/g, '-')
      .replace(/^[^A-Za-z0-9_]+/, '')
      .slice(0, 64) || 'switchyard'
  );
}

/** Removes repeated problems: a value that several partitions inherit is reported once. */
function distinct(problems: readonly Problem[]): Problem[] {
  const seen = new Map<string, Problem>();
  for (const problem of problems) {
    const key = JSON.stringify([problem.file, problem.pointer, problem.reason]);
    if (!seen.has(key)) seen.set(key, problem);
  }
  return [...seen.values()];
}
