import type { GlobalParameter } from '../../cfg/ast.js';
import type { SourceReader } from '../../cfg/source/sources.js';
import { readSchema } from '../../config/schema.js';
import { switchOf } from '../../core/switch-words.js';
import type { WrittenJson } from './json.js';
import { Ledger, type Remark } from './ledger.js';
import { readListeners, textOf } from './listeners.js';
import { Modules } from './modules.js';
import { type CfgReadOptions, diskReader, readConfiguration } from './read-cfg.js';
import { rulesOf } from './rules.js';
import { importTls } from './tls.js';

/** An imported configuration: the files to write, and remarks for the operator. */
export interface ImportedConfiguration {
  readonly settings: { readonly [key: string]: WrittenJson };
  /** Partition files by name. */
  readonly partitions: ReadonlyMap<string, { readonly [key: string]: WrittenJson }>;
  /** What was not imported. */
  readonly left: readonly Remark[];
  /** What was imported with a difference. */
  readonly notes: readonly Remark[];
}

/** Modules whose function is built in, or covered by what their parameters become. */
const HAVE_COUNTERPARTS = new Set(
  (
    'dispatcher tm sl rr maxfwd textops textopsx sipmsgops siputils pv xlog mi_fifo mi_datagram mi_http httpd jsonrpcs ctl ' +
    'proto_udp proto_tcp proto_tls proto_ws proto_wss tls tls_mgm tls_openssl tls_wolfssl pike prometheus xhttp_prom signaling ' +
    'sanity kex corex tmx db_mysql db_postgres db_sqlite db_text freeswitch path cfgutils stir'
  ).split(' '),
);
/** Core parameters that are imported separately. */
const CARRIED = new Set([
  'listen',
  'socket',
  'port',
  'alias',
  'domain',
  'disable_tcp',
  'db_default_url',
  'advertised_address',
  'advertised_port',
  'log_level',
  'debug',
  'mpath',
  'loadpath',
  'xlog_level',
]);

/**
 * Imports an opensips.cfg or kamailio.cfg: parameters of the dispatcher, tm, MI, TLS and pike, sockets, and each
 * selection of the script that can be expressed as a rule. Everything else is in `left`. Never throws because of the
 * text.
 */
export function importCfg(
  text: string,
  file = 'opensips.cfg',
  reader: SourceReader = diskReader,
  options: CfgReadOptions = {},
): ImportedConfiguration {
  const ledger = new Ledger(file);
  const { tree, dialect, kamailio } = readConfiguration({ file, text }, reader, ledger, options);
  const modules = new Modules(kamailio, new Set(tree.modules.map(({ name }) => name)), ledger);
  for (const parameter of tree.moduleParameters) modules.take(parameter);
  const { listen, own, aliases } = readListeners(tree.parameters, kamailio, ledger);
  const settings: { [key: string]: WrittenJson } = { listen: [...listen] };
  for (const parameter of tree.parameters) takeParameter(parameter, kamailio, settings, modules, ledger);
  takeAliases(aliases, settings, ledger);
  for (const { name, at } of tree.modules) {
    if (!HAVE_COUNTERPARTS.has(name)) ledger.leave(at, `module ${name} has no counterpart`);
  }
  const { modparam, tm, partitions } = modules;
  settings['partitions'] = partitions.size === 0 ? [] : './partitions';
  if (Object.keys(modparam).length > 0) settings['modparam'] = modparam;
  settings['routing'] = rulesOf({
    routes: tree.routes,
    kamailio,
    own,
    ledger,
    keepsList: !kamailio || (Number(modparam['flags'] ?? 0) & 2) !== 0,
  });
  if (Object.keys(tm).length > 0) settings['tm'] = tm;
  modules.finish(settings);
  const tls = importTls(tree, dialect, ledger);
  if (tls !== undefined) settings['tls'] = tls;
  ledger.close();
  return { settings, partitions, left: ledger.left, notes: ledger.notes };
}

function takeParameter(
  { name, value, at }: GlobalParameter,
  kamailio: boolean,
  settings: { [key: string]: WrittenJson },
  modules: Modules,
  ledger: Ledger,
): void {
  const text = value === undefined ? '' : textOf(value);
  if (name === 'advertised_address') {
    settings['advertise'] = settings['advertise'] === undefined ? text : `${text}${settings['advertise'] as string}`;
  } else if (name === 'advertised_port') {
    settings['advertise'] =
      settings['advertise'] === undefined ? `:${text}` : `${settings['advertise'] as string}:${text}`;
  } else if (name === 'db_default_url') {
    const partitioned = modules.partitions.size > 0 || kamailio;
    if (
      modules.modparam['db_url'] === undefined &&
      !partitioned &&
      /^(?:mysql|postgres(?:ql)?|sqlite|text):/i.test(text)
    ) {
      modules.modparam['db_url'] = text;
    }
  } else if (name === 'log_level' || name === 'debug') {
    const level = Number(text);
    const names = ['error', 'error', 'warn', 'info', 'debug'] as const;
    const index = Math.min(4, Math.max(0, level + (kamailio ? 1 : 0)));
    if (Number.isInteger(level)) settings['log'] = { level: names[index] ?? 'info' };
  } else if (name === 'enable_tls' || name === 'tls_enable') {
    const isUsed = (settings['listen'] as readonly WrittenJson[]).some((each) => /^(?:tls|wss):/.test(String(each)));
    if (isUsed && switchOf(text) !== true) ledger.leave(at, `${name}=${text}: remove the tls sockets from "listen"`);
  } else if (!CARRIED.has(name)) ledger.leaveRepeated(at, `core parameter ${name} has no counterpart`);
}

/** Writes further names of ours to "aliases", if the settings have such a key. */
function takeAliases(aliases: readonly string[], settings: { [key: string]: WrittenJson }, ledger: Ledger): void {
  if (aliases.length === 0) return;
  const names = [...new Set(aliases.map((each) => each.replace(/^[a-z]+:(?=[^/])/i, '').replace(/:\*$/, '')))];
  if (readSchema('settings').properties?.['aliases'] !== undefined) settings['aliases'] = names;
  else ledger.leave(undefined, `alias: there is no setting for the host names ${names.join(', ')}`);
}
