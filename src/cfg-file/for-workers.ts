import type { Expression, FunctionCall, Position, RouteKind } from '../cfg/ast.js';
import { callsIn, expressionsIn } from '../cfg/visit.js';
import { statisticName, statisticsOfAllProcesses } from '../modules/statistic-counters.js';
import type { LoadedCfg } from './load.js';

/** Something in a cfg file that only one process can do. */
export interface WorkersFault {
  readonly at: Position;
  readonly message: string;
}

/** Modules whose functions work on the message and its transaction, or on tables that all processes share. */
const MODULES = new Set(
  `core corex sl signaling tm tmx rr maxfwd textops textopsx sipmsgops siputils xlog dispatcher sanity path nathelper pv kex ipops sdpops
  uuid regex tmrec mathops avpops cfgutils options diversion permissions domain dialplan mtree htable cachedb_local ratelimit pipelimit pike gflags
  acc dialog topology_hiding sst statistics counters rtpengine rtpproxy uac sqlops rest_client http_client enum alias_db group speeddial uac_redirect jansson json`.split(
    /\s+/,
  ),
);

/**
 * Functions of these modules that keep state for all calls outside the shared memory, ask an external service, or
 * address calls of other processes.
 */
const ONE_PROCESS = new Set(
  `use_blacklist unuse_blacklist check_blacklist_rule add_blacklist_rule del_blacklist_rule cache_raw_query raise_event subscribe_event sr_check_status script_trace send_tcp
  t_cancel_callid t_reply_callid t_reply_by_callid t_suspend t_continue t_uac_send t_new_request t_anycast_replicate t_inject_branches
  t_wait_for_new_branches ds_reload ds_push_script_attrs ds_get_script_attrs
  rand_event rand_get_prob rand_set_prob rand_reset_prob strings_share_lock ds_oc_set_attrs dlg_get load_dialog_ctx dlg_set_timeout_by_profile get_dialog_vals get_dialogs_by_val
  get_dialogs_by_profile set_dlg_sharing_tag update_stat_series pkg_status shm_status pkg_summary shm_summary`.split(
    /\s+/,
  ),
);

/** Functions that select, with the index of the argument that gives the algorithm. */
const SELECTING: ReadonlyMap<string, number> = new Map([
  ['ds_select_dst', 1],
  ['ds_select_domain', 1],
  ['ds_select', 1],
]);

/**
 * Variables with values of one process only, with a constant name in parentheses. $shv, $sht and some statistics are in
 * memory that all processes share.
 */
const SHARED_VARIABLES = /\$\(?(shtag|cluster\.sh_tag|sql_cached_value|stat)\b(?:\(([\w:.-]+)\))?/g;

/** Modules that change each message once they are loaded. */
const MESSAGE_CHANGING_MODULES: ReadonlySet<string> = new Set(['topoh', 'topos']);

/**
 * Kinds of routes that run without a message. Only the main process runs them, so other processes do not see what they
 * set.
 */
const MAIN_PROCESS_ROUTES: ReadonlySet<RouteKind> = new Set<RouteKind>(['startup', 'timer', 'event']);
/** Events of calls: the process that has the call runs their routes. */
const CALL_EVENTS = /^(?:dialog:|tm:|uac:|E_DLG|E_ACC|E_RTPENGINE)/;

/**
 * Why a cfg file cannot be run by several processes, with positions: functions and variables whose state one process
 * keeps, and selections by algorithms that only one process can make. `algorithms` are those that each process can use.
 */
export function workersFaults(cfg: LoadedCfg, algorithms: ReadonlySet<number>): readonly WorkersFault[] {
  const { tree, dialect, functions } = cfg;
  const faults: WorkersFault[] = [];
  const shared = statisticsOfAllProcesses(cfg.loaded, (module, name) => cfg.modules.get(module)?.get(name) ?? []);
  for (const { name, at } of tree.modules) {
    if (MESSAGE_CHANGING_MODULES.has(name)) faults.push({ at, message: `module ${name} works in one process only` });
  }
  for (const { body, kind, name = '' } of tree.routes) {
    if (MAIN_PROCESS_ROUTES.has(kind) && !CALL_EVENTS.test(name)) continue;
    for (const each of expressionsIn(body)) {
      const [, variable] =
        [...textOf(each).matchAll(SHARED_VARIABLES)].find(
          ([, kind, name]) => kind !== 'stat' || name === undefined || !shared.has(statisticName(name)),
        ) ?? [];
      if (variable !== undefined) faults.push({ at: each.at, message: `$${variable} works in one process only` });
    }
    for (const call of callsIn(body)) {
      if (call.kind !== 'call') continue;
      const [definition] = functions.find(dialect.name, call.name);
      if (definition === undefined) continue;
      const isShared = definition.module.split('|').some((each) => MODULES.has(each));
      const which = SELECTING.get(call.name);
      if (!isShared || ONE_PROCESS.has(call.name)) {
        faults.push({ at: call.at, message: `${call.name}() works in one process only` });
      } else if (call.name === 'ds_select_routes') {
        const fault = rulesFault(call, algorithms);
        if (fault !== undefined) faults.push({ at: call.at, message: `${call.name}(): ${fault}` });
      } else if (which !== undefined) {
        const fault = algorithmFault(call, which, algorithms);
        if (fault !== undefined) faults.push({ at: call.at, message: `${call.name}(): ${fault}` });
      }
    }
  }
  return faults;
}

/** The text of an expression, in which variables are searched. */
function textOf(expression: Expression): string {
  if (expression.kind === 'string') return expression.value;
  return expression.kind === 'variable' ? expression.text : '';
}

/** The same for the rules of ds_select_routes, "1=4;2=8": each set is selected from on its own. */
function rulesFault({ args: [rules] }: FunctionCall, algorithms: ReadonlySet<number>): string | undefined {
  const text = rules?.kind === 'string' ? rules.value : '$';
  for (const each of text.slice(text.lastIndexOf(':') + 1).split(';')) {
    const algorithm = each.slice(each.indexOf('=') + 1).trim();
    // Other parts of the rules may be computed at run time; the algorithm may not.
    if (algorithm.includes('$')) return 'an algorithm that is known only at run time needs one process';
    if (algorithm !== '' && !algorithms.has(Number(algorithm))) return `algorithm ${algorithm} needs one process`;
  }
  return undefined;
}

/** Why a selection needs one process; undefined when any process can make it. */
function algorithmFault(call: FunctionCall, which: number, algorithms: ReadonlySet<number>): string | undefined {
  const argument = call.args[which];
  // The default is the first algorithm.
  if (argument === undefined) return undefined;
  const text = argument.kind === 'string' ? argument.value : argument.kind === 'int' ? argument.text : '$';
  if (text.includes('$')) return 'an algorithm that is known only at run time needs one process';
  // OpenSIPS 2 accepts several algorithms, one for each set.
  const unknown = text.split(',').find((each) => !algorithms.has(Number(each.trim())));
  return unknown === undefined ? undefined : `algorithm ${unknown.trim()} needs one process`;
}
