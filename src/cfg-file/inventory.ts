import type { ConfigurationTree, Position, SettingValue } from '../cfg/ast.js';
import type { DialectName, FunctionTable } from '../cfg/function-table.js';
import type { CfgProblem, CfgProblemCode } from '../cfg/problem.js';
import { callsIn } from '../cfg/visit.js';
import { ownValue } from '../core/own-value.js';
import { scriptFunctions } from '../modules/all.js';
import { functionsMissingOf } from '../modules/not-here.js';
import type { MessageRun } from '../script/call.js';
import type { CfgReading } from './load.js';
import { missingSockets } from './management.js';
import { plainValue } from './parameters.js';
import { passedLimits } from './rate-limits.js';
import { settingFaults } from './settings-faults.js';

/**
 * How switchyard treats a function, variable or parameter of a file. `noted`: it has its effect, and the check reports
 * a side effect or a requirement.
 */
export type Standing = 'supported' | 'noted' | 'stands in' | 'no effect' | 'unknown' | 'wrong';

/** A function, variable or parameter that a file uses, and its first position. */
export interface UsedThing {
  readonly kind: 'parameter' | 'module' | 'function' | 'other';
  readonly name: string;
  readonly standing: Standing;
  readonly at: Position;
  /** Number of its uses. */
  readonly count: number;
  /** Why it is not supported. */
  readonly message: string;
}

/** Whether a file can be run. */
export type Verdict = 'runs whole' | 'runs without' | 'cannot run';

/** Everything a cfg file uses, and whether it has an effect. */
export interface Inventory {
  readonly things: readonly UsedThing[];
  readonly verdict: Verdict;
}

/** Modules that need no functions here: what they do is built in, or is of no use here. */
const BUILT_IN = new Set(
  `proto_udp proto_tcp proto_tls proto_ws proto_wss tls tls_mgm db_mysql db_postgres db_sqlite db_text db_virtual db_unixodbc httpd mi_fifo mi_datagram
  mi_http mi_json ctl jsonrpcs mi_rpc event_datagram event_route signaling sl tm tmx kex corex xhttp cfg_rpc cfg_db pv xlog rr maxfwd sipmsgops textops
  siputils dispatcher options proto_hep json prometheus uac_auth topoh topos topos_redis topos_htable rtimer`.split(
    /\s+/,
  ),
);

/** Why copies of messages are sent nowhere. */
const NO_SERVER: Readonly<Record<DialectName, string>> = {
  kamailio: 'siptrace names no server (trace_on, duplicate_uri, hep_mode_on)',
  opensips: 'no trace_id names a capture server (trace_id "[ID]uri=hep:HEP_ID", hep_id of proto_hep)',
};

/** Kamailio's event routes that switchyard runs. */
const EVENTS_RUN: ReadonlySet<string> = new Set(
  `dispatcher:dst-up dispatcher:dst-down dialog:start dialog:end dialog:failed htable:mod-init core:worker-one-init core:pre-routing uac:reply tm:local-request
  tm:local-response sl:local-response topoh:msg-outgoing topoh:msg-sending
  xhttp:request websocket:closed usrloc:contact-expired topos:msg-outgoing topos:msg-sending topos:msg-incoming topos:msg-receiving`.split(
    /\s+/,
  ),
);

/**
 * Lists what a file uses, as supported, without effect, unknown or wrong. `reading` must have been made with unknown
 * functions only logged, so that the rest of the file is read too.
 */
export function inventory(reading: CfgReading): Inventory {
  const functions = scriptFunctions();
  const things: UsedThing[] = [];
  const { tree, dialect, problems } = reading;
  if (tree !== undefined && dialect !== undefined) {
    things.push(...parametersOf(tree, reading), ...modulesOf(tree, functions, dialect.name));
    for (const each of passedLimits(tree, dialect.name))
      things.push({ kind: 'other', standing: 'stands in', count: 1, ...each });
    if (dialect.name === 'kamailio') things.push(...routesNotRun(tree), ...pingsNotSent(tree));
    const known = new Map<string, { at: Position; count: number; standIn: string | undefined }>();
    for (const { body } of tree.routes) {
      for (const call of callsIn(body)) {
        const [definition] = call.kind === 'call' ? functions.find(dialect.name, call.name) : [];
        if (call.kind !== 'call' || definition === undefined) continue;
        const before = known.get(call.name);
        const { standIn } = definition;
        known.set(call.name, { at: before?.at ?? call.at, count: (before?.count ?? 0) + 1, standIn });
      }
    }
    for (const [name, { at, count, standIn }] of known) {
      const standing = standIn === undefined ? 'supported' : 'stands in';
      const message = standIn === undefined ? '' : `${name}() ${standIn}`;
      things.push({ kind: 'function', name: `${name}()`, standing, at, count, message });
    }
    const tracing = ['sip_trace', 'hlog', 'trace'].find((name) => known.has(name));
    const trace = known.get(tracing ?? '');
    if (trace !== undefined && reading.settings?.['hep'] === undefined) {
      const name = dialect.name === 'kamailio' ? 'sip_trace()' : `${tracing}()`;
      const message = `${name} sends nothing: ${NO_SERVER[dialect.name]}`;
      things.push({ kind: 'function', name, standing: 'stands in', at: trace.at, count: 1, message });
    }
    for (const { module, message } of missingSockets(reading.settings?.['mi'])) {
      const at = tree.modules.find(({ name }) => name === module)?.at;
      if (at !== undefined) things.push({ kind: 'other', name: module, standing: 'stands in', at, count: 1, message });
    }
  }
  for (const { code, severity, at, message } of problems) {
    if (code === 'no-effect') continue;
    things.push({ kind: 'other', name: '', standing: standingOf(severity, code), at, count: 1, message });
  }
  for (const { at, message } of settingFaults(reading))
    things.push({ kind: 'other', name: '', standing: 'wrong', at, count: 1, message });
  things.sort((a, b) => a.at.file.localeCompare(b.at.file) || a.at.line - b.at.line || a.at.column - b.at.column);
  return { things, verdict: verdictOf(things) };
}

function standingOf(severity: CfgProblem['severity'], code: CfgProblemCode): Standing {
  if (severity === 'error') return 'wrong';
  if (code === 'unknown-function') return 'unknown';
  if (code === 'tls-otherwise') return 'noted';
  // Peers are checked less strictly than the file demands, which matters more than a parameter without effect.
  return code === 'tls-demand' || code === 'not-done' ? 'stands in' : 'no effect';
}

function verdictOf(things: readonly UsedThing[]): Verdict {
  if (things.some(({ standing }) => standing === 'wrong')) return 'cannot run';
  return things.some(({ standing }) => standing === 'unknown' || standing === 'stands in')
    ? 'runs without'
    : 'runs whole';
}

function parametersOf(tree: ConfigurationTree, { problems }: CfgReading): UsedThing[] {
  const messages = new Map(problems.filter(({ code }) => code === 'no-effect').map(({ at, message }) => [at, message]));
  const elsewhere = ({ severity, code }: CfgProblem): boolean =>
    severity === 'error' || code === 'tls-demand' || code === 'tls-otherwise' || code === 'not-done';
  const wrong = new Set(problems.filter(elsewhere).map(({ at }) => at));
  const parameters = tree.parameters.map(({ name, at }) => ({ name, at }));
  const ofModules = tree.moduleParameters.map(({ module, name, at }) => ({ name: `${module}: ${name}`, at }));
  return [...parameters, ...ofModules]
    .filter(({ at }) => !wrong.has(at))
    .map(({ name, at }) => {
      const message = messages.get(at);
      const standing = message === undefined ? 'supported' : 'no effect';
      return { kind: 'parameter', name, standing, at, count: 1, message: message ?? '' };
    });
}

function isOff(value: SettingValue | undefined): boolean {
  return value === undefined || /^(?:0|no|off|false)$/i.test(String(plainValue(value)));
}

/** Routes of a Kamailio file that never run here: those of other events. */
function routesNotRun(tree: ConfigurationTree): UsedThing[] {
  const events = tree.routes
    .filter(
      ({ kind, name }) =>
        kind === 'event' && name !== undefined && !EVENTS_RUN.has(name) && !name.startsWith('htable:expired:'),
    )
    .map(({ name = '', at }) => ({ kind: 'other' as const, name: `event_route[${name}]`, count: 1, at }));
  // As recorded, 5.6.3 does not run this route either.
  const silent = (name: string): boolean =>
    name === 'event_route[core:msg-received]' &&
    tree.parameters.every((each) => each.name !== 'received_route_mode' || isOff(each.value));
  return events.map((each) =>
    silent(each.name)
      ? { ...each, standing: 'noted', message: `${each.name} is never run without received_route_mode` }
      : { ...each, standing: 'unknown', message: `${each.name} is not run` },
  );
}

/** Contacts that are only in the database are not pinged. */
function pingsNotSent(tree: ConfigurationTree): UsedThing[] {
  const last = (module: string, name: string) =>
    tree.moduleParameters.findLast((each) => each.name === name && each.module.split('|').includes(module));
  const interval = last('nathelper', 'natping_interval');
  if (interval === undefined || Number(interval.value) === 0 || Number(last('usrloc', 'db_mode')?.value) !== 3)
    return [];
  const message = 'contacts that are only in the database (db_mode 3 of usrloc) are not pinged';
  return [
    {
      kind: 'parameter',
      name: 'nathelper: natping_interval',
      standing: 'stands in',
      at: interval.at,
      count: 1,
      message,
    },
  ];
}

/** Modules of OpenSIPS that work without being called, with what is not done here. */
const MISSING_BEHAVIOUR: Readonly<Record<string, string>> = {
  uac_registrant: 'does not register anywhere',
  mi_xmlrpc_ng: 'is not supported: use mi_http',
  mi_html: 'is not supported: use the console',
  snmpstats: 'is not supported: use the metrics',
};

function modulesOf(tree: ConfigurationTree, functions: FunctionTable<MessageRun>, dialect: DialectName): UsedThing[] {
  const ofDialect = functions.all.filter(({ dialects }) => dialects.includes(dialect));
  const withFunctions = new Set(ofDialect.flatMap(({ module }) => module.split('|')));
  return tree.modules.map(({ name, at }) => {
    const isLocations = dialect === 'kamailio' && name === 'usrloc';
    const served = withFunctions.has(name) || BUILT_IN.has(name) || isLocations;
    const missingHere = served ? [] : functionsMissingOf(name, dialect);
    const refused = missingHere.filter((each) => functions.find(dialect, each).length === 0);
    const shown = refused.length > 6 ? [...refused.slice(0, 6), '...'] : refused;
    const what =
      shown.length === 0
        ? 'accepted but has no effect'
        : `not supported, its functions are refused: ${shown.join(', ')}`;
    const message = served ? '' : `module ${name} is ${what}`;
    const missing = ownValue(MISSING_BEHAVIOUR, name);
    if (!served && missing !== undefined)
      return { kind: 'module', name, standing: 'stands in', at, count: 1, message: `module ${name} ${missing}` };
    return { kind: 'module', name, standing: served ? 'supported' : 'no effect', at, count: 1, message };
  });
}
