import type { ConfigurationTree } from '../cfg/ast.js';
import type { Dialect } from '../cfg/dialect.js';
import type { Problems } from '../cfg/problem.js';
import type { Json, JsonObject } from '../config/json-source.js';
import { parsePartitionString } from '../config/partition-string.js';
import { readSchema } from '../config/schema.js';
import { messageOf } from '../core/errors.js';
import type { TmSettings } from '../script/run-settings.js';
import { type GlobalSettings, readGlobals } from './globals.js';
import { checkKamailioModules } from './kamailio-parameters.js';
import { managementSettings, RUNTIME_FOLDER } from './management.js';
import {
  checkOpensipsGlobals,
  checkOpensipsModuleParameters,
  checkOpensipsModules,
  checkOpensipsTransports,
} from './opensips/check.js';
import { type ClustererValues, clustererValues } from './opensips/clusterer.js';
import { opensipsCapture } from './opensips/tracer.js';
import { type ModuleValues, moduleValues, withDefaultDatabase } from './parameters.js';
import { captureSettings } from './siptrace.js';
import { tlsSettings } from './tls.js';
import { withWebSockets } from './web-sockets.js';

/** Defaults of tm in both programs, in milliseconds; the last two are Kamailio's. */
const FR_TIMEOUT_MS = 30_000;
const FR_INV_TIMEOUT_MS = 120_000;
const MAX_INVITE_LIFETIME_MS = 180_000;
const MAX_OTHER_LIFETIME_MS = 32_000;

/** The settings of a cfg file, and what its script needs. */
export interface CfgSettings {
  /** In the form of switchyard.json. */
  readonly settings: JsonObject;
  readonly globals: GlobalSettings;
  readonly modules: ModuleValues;
  readonly loaded: ReadonlySet<string>;
  readonly tm: TmSettings;
  /** From OpenSIPS' clusterer. */
  readonly clusterer: ClustererValues;
}

/** Parameters of a partition; all others are the module's. */
const PARTITION_KEYS = new Set([
  'db_url',
  'table_name',
  'dst_avp',
  'grp_avp',
  'cnt_avp',
  'sock_avp',
  'attrs_avp',
  'script_attrs_avp',
  'list_file',
]);

/** Translates the parameters of a file. `runtimeFolder`: folder of the sockets that Kamailio opens by default. */
export function cfgSettings(
  tree: ConfigurationTree,
  dialect: Dialect,
  problems: Problems,
  runtimeFolder: string | undefined,
): CfgSettings {
  const globals = readGlobals(tree.parameters, dialect, problems, ({ name, at }) =>
    problems.warning('no-effect', at, `parameter "${name}" has no effect here`),
  );
  const modules = withDefaultDatabase(moduleValues(tree), tree, globals.defaultDbUrl);
  if (dialect.name === 'kamailio') checkKamailioModules(tree, problems, dialect.later);
  checkTypes(tree, problems);
  if (dialect.name === 'opensips') {
    checkOpensipsGlobals(tree.parameters, problems);
    checkOpensipsTransports(tree, dialect, problems);
    checkOpensipsModules(tree, dialect, problems);
    checkOpensipsModuleParameters(tree, dialect, problems);
  }
  const tm = tmSettings(modules, dialect, globals);
  const settings: JsonObject = {
    listen: tree.modules.some(({ name }) => name === 'websocket' || name === 'xhttp')
      ? withWebSockets(globals.listen)
      : globals.listen,
    routing: [],
  };
  if (globals.advertised !== undefined) settings['advertise'] = globals.advertised;
  const translator = new Dispatcher(tree, dialect, globals, problems);
  Object.assign(settings, translator.settings());
  Object.assign(settings, managementSettings(tree, modules, runtimeFolder ?? globals.runtimeFolder ?? RUNTIME_FOLDER));
  const capture =
    dialect.name === 'opensips' ? opensipsCapture(tree, problems) : captureSettings(tree, modules, problems);
  if (capture !== undefined) settings['hep'] = capture;
  const tls = tlsSettings(tree, modules, dialect.name, problems);
  if (tls !== undefined) settings['tls'] = tls as Json;
  settings['tm'] = {
    fr_timeout: Math.max(0.1, tm.frTimeout / 1000),
    fr_inv_timeout: Math.max(0.1, tm.frInvTimeout / 1000),
    auto_100: tm.auto100,
    // The originals send 100 at once.
    trying_delay: 0,
    ...timers(modules),
  };
  settings['log'] = { level: logLevel(globals.logLevel, dialect) };
  const loaded = new Set(tree.modules.map(({ name }) => name));
  return { settings, globals, modules, loaded, tm, clusterer: clustererValues(tree, problems) };
}

/** Parameters of tm that are numbers, and those that are texts, in both programs. */
const TM_NUMBERS =
  /^(?:fr_timer|fr_inv_timer|fr_timeout|fr_inv_timeout|wt_timer|delete_timer|T1_timer|T2_timer|retr_timer[12]|failure_reply_mode|auto_inv_100|restart_fr_on_each_reply|onreply_avp_mode|pass_provisional_replies|disable_6xx_block|aggregate_challenges|max_inv_lifetime|max_noninv_lifetime)$/;
const TM_TEXTS = /^(?:auto_inv_100_reason|tw_append|unix_sock|unix_sock_mode)$/;

function checkTypes(tree: ConfigurationTree, problems: Problems): void {
  for (const { module, name, value, at } of tree.moduleParameters) {
    if (!module.split('|').includes('tm')) continue;
    if (TM_NUMBERS.test(name) && typeof value !== 'number')
      problems.error('setting', at, `tm ${name} must be a number`);
    if (TM_TEXTS.test(name) && typeof value !== 'string') problems.error('setting', at, `tm ${name} must be a string`);
    if (/^fr_(?:inv_)?time(?:r|out)$/.test(name) && value === 0)
      problems.error('setting', at, `tm ${name} must not be 0`);
  }
}

function timers(modules: ModuleValues): JsonObject {
  const out: JsonObject = {};
  const tm = modules.get('tm');
  for (const [name, key] of [
    ['T1_timer', 't1'],
    ['retr_timer1', 't1'],
    ['T2_timer', 't2'],
    ['retr_timer2', 't2'],
  ] as const) {
    const value = tm?.get(name)?.at(-1);
    if (value !== undefined) out[key] = Number(value);
  }
  return out;
}

function logLevel(level: number, dialect: Dialect): string {
  const names = ['error', 'error', 'warn', 'info', 'debug'] as const;
  return names[Math.min(4, Math.max(0, level + (dialect.name === 'kamailio' ? 1 : 0)))] ?? 'info';
}

/** Translates tm's parameters. Kamailio gives times in milliseconds, OpenSIPS in seconds. */
function tmSettings(modules: ModuleValues, dialect: Dialect, globals: GlobalSettings): TmSettings {
  const tm = modules.get('tm');
  const kamailio = dialect.name === 'kamailio';
  const number = (names: readonly string[], fallback: number): number => {
    for (const name of names) {
      const value = Number(tm?.get(name)?.at(-1) ?? Number.NaN);
      if (!Number.isNaN(value)) return value;
    }
    return fallback;
  };
  const unit = kamailio ? 1 : 1000;
  const lifetime = (name: string, usual: number): number => {
    const value = number([name], usual);
    return kamailio && value > 0 ? value : Number.POSITIVE_INFINITY;
  };
  return {
    frTimeout: number(['fr_timeout', 'fr_timer'], FR_TIMEOUT_MS / unit) * unit,
    frInvTimeout: number(['fr_inv_timeout', 'fr_inv_timer'], FR_INV_TIMEOUT_MS / unit) * unit,
    auto100: number(['auto_100trying', 'auto_inv_100'], 1) !== 0,
    auto100Reason: String(
      tm?.get('auto_inv_100_reason')?.at(-1) ??
        (kamailio ? 'trying -- your call is important to us' : 'Giving it a try'),
    ),
    failureReplyMode: number(['failure_reply_mode'], 3),
    onreplyAvps: number(['onreply_avp_mode'], 0) !== 0,
    translate503: kamailio ? number(['remap_503_500'], 1) !== 0 : !globals.disable503,
    restartOnProvisional: number(['restart_fr_on_each_reply'], 1) !== 0,
    timeoutReason: kamailio ? '' : 'Reason: SIP;cause=480;text="NO_ANSWER"\r\n',
    autoInv100: true,
    passProvisional: number(['pass_provisional_replies'], 0) !== 0,
    sendsErrors: true,
    aggregateChallenges: number(['aggregate_challenges', 'aggregate_auth'], 1) !== 0,
    block6xx: !kamailio && number(['disable_6xx_block'], 0) === 0,
    plain6xx: kamailio && number(['disable_6xx_block'], 0) !== 0,
    cancelReason: !kamailio || number(['local_cancel_reason'], 1) !== 0,
    passReason: kamailio && number(['e2e_cancel_reason'], 1) !== 0,
    derivedFields: kamailio ? String(tm?.get('ac_extra_hdrs')?.at(-1) ?? '').toLowerCase() : '',
    cancelMethod: kamailio ? number(['cancel_b_method'], 1) : 1,
    unmatchedCancel: kamailio ? number(['unmatched_cancel'], 0) : 0,
    relay100: kamailio && number(['relay_100'], 0) !== 0,
    ...(kamailio ? kamailioReplies(modules) : OPENSIPS_REPLIES),
    inviteLifetime: lifetime('max_inv_lifetime', MAX_INVITE_LIFETIME_MS),
    otherLifetime: lifetime('max_noninv_lifetime', MAX_OTHER_LIFETIME_MS),
  };
}

type ReplySettings = Pick<TmSettings, 'unsetReply' | 'unsetStateless' | 'richRedirect' | 'richStateless'>;

const OPENSIPS_REPLIES: ReplySettings = {
  unsetReply: { status: 500, reason: '' },
  unsetStateless: { status: 500, reason: '' },
  richRedirect: 0,
  richStateless: 0,
};

/** What the replies of Kamailio's tm and sl contain in place of variables that are not set, and about contacts. */
function kamailioReplies(modules: ModuleValues): ReplySettings {
  const last = (module: string, name: string, fallback: string | number) =>
    modules.get(module)?.get(name)?.at(-1) ?? fallback;
  const unset = (module: string, reason: string) => ({
    status: Number(last(module, 'default_code', 500)),
    reason: String(last(module, 'default_reason', reason)),
  });
  return {
    unsetReply: unset('tm', 'Server Internal Error'),
    unsetStateless: unset('sl', 'Internal Server Error'),
    richRedirect: Number(last('tm', 'rich_redirect', 0)),
    richStateless: Number(last('sl', 'rich_redirect', 0)),
  };
}

/** Parameters of the dispatcher for which an empty text is no text. */
const EMPTY_IS_NONE = new Set(['event_callback', 'ds_default_socket', 'ds_default_sockname']);

/** The dispatcher's parameters: those of the module, and those of its partitions. */
class Dispatcher {
  private readonly partitions = new Map<string, JsonObject>();
  private readonly modparam: JsonObject = {};
  private readonly known = new Set(Object.keys(readSchema('modparam').properties ?? {}));
  /** Parameters that are accepted without effect. */
  private readonly without = new Set(
    Object.entries(readSchema('modparam').properties ?? {}).flatMap(([name, { deprecated }]) =>
      deprecated === true ? [name] : [],
    ),
  );
  private fallback: string | undefined;
  private readonly kamailio: boolean;

  constructor(
    private readonly tree: ConfigurationTree,
    dialect: Dialect,
    private readonly globals: GlobalSettings,
    private readonly problems: Problems,
  ) {
    this.kamailio = dialect.name === 'kamailio';
  }

  settings(): JsonObject {
    const loaded = this.tree.modules.some(({ name }) => name === 'dispatcher');
    for (const parameter of this.tree.moduleParameters) {
      if (parameter.module.split('|').includes('dispatcher')) this.take(parameter);
    }
    if (loaded && this.partitions.size === 0) this.partition('default');
    const { defaultDbUrl } = this.globals;
    const given = this.partitions.get('default')?.['db_url'] ?? defaultDbUrl;
    if (!this.kamailio && given !== undefined)
      for (const partition of this.partitions.values()) partition['db_url'] ??= given;
    const out: JsonObject = { partitions: [...this.partitions.values()], modparam: this.modparam };
    if (this.fallback !== undefined) out['default'] = this.fallback;
    return out;
  }

  private take({ name, value, at }: ConfigurationTree['moduleParameters'][number]): void {
    if (name === 'partition') {
      this.takePartition(String(value), at);
      return;
    }
    if (PARTITION_KEYS.has(name)) {
      const partition = this.partition('default');
      if (name === 'list_file') partition['db_url'] = `list:${String(value)}`;
      else partition[name] = value;
      return;
    }
    if (name === 'ds_define_blacklist') {
      const lists = this.modparam[name];
      this.modparam[name] = Array.isArray(lists) ? [...lists, String(value)] : [String(value)];
    } else if (!this.known.has(name)) {
      this.problems.warning('no-effect', at, `parameter "${name}" of dispatcher is not known and has no effect`);
    } else if (this.without.has(name)) {
      this.problems.warning('no-effect', at, `parameter "${name}" of dispatcher has no effect here`);
    } else if (value !== '' || !EMPTY_IS_NONE.has(name)) this.modparam[name] = value;
  }

  private takePartition(text: string, at: ConfigurationTree['moduleParameters'][number]['at']): void {
    try {
      const parsed = parsePartitionString(text);
      if (parsed.kind === 'redirect') {
        this.fallback = parsed.target;
        return;
      }
      const partition = this.partition(parsed.name);
      for (const [key, value] of parsed.params) {
        if (key === 'ds_define_blacklist') {
          const lists = partition[key];
          partition[key] = Array.isArray(lists) ? [...lists, value] : [value];
        } else partition[key] = value;
      }
    } catch (error) {
      this.problems.error('setting', at, `partition: ${messageOf(error)}`);
    }
  }

  private partition(name: string): JsonObject {
    let partition = this.partitions.get(name);
    if (partition === undefined) {
      partition = { name, compat: 'strict', ...(this.kamailio ? { flavour: 'kamailio' } : {}) };
      this.partitions.set(name, partition);
    }
    return partition;
  }
}
