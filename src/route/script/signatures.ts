import { argumentRange } from '../../cfg/function-table.js';
import { KAMAILIO_FUNCTIONS as KAMAILIO, OPENSIPS_FUNCTIONS as OPENSIPS } from '../dispatcher/table.js';
import { optional, param, type SharedParameter } from '../functions/definition.js';
import { HEADER_FUNCTIONS } from '../functions/headers.js';
import { MESSAGE_FUNCTIONS } from '../functions/message.js';
import { BLACKLIST_FUNCTIONS } from '../functions/targets.js';
import { STATUS_FUNCTIONS } from '../functions/transaction.js';
import type { AlgoRoute } from './algo-route.js';
import type { BranchRoute } from './branch-route.js';
import * as faultOf from './constant-checks.js';
import type { CoreFunctions } from './core-functions.js';
import type { DispatchFunctions } from './dispatch-functions.js';
import type { EventRoute } from './event-route.js';
import type { FailureRoute } from './failure-route.js';
import type { LocalRoute } from './local-route.js';
import type { MessageFunctions } from './message-functions.js';
import type { ReplyRoute } from './reply-route.js';
import type { RequestRoute } from './request-route.js';
import type { SetFunctions } from './set-functions.js';
import { MAX_FORWARDS, REPLY, TARGETS, TRANSACTION } from './shared-tables.js';

/** What a script's load checks about calls of a function. */
export interface FunctionSignature {
  readonly parameters: readonly SharedParameter[];
  /** Checks the constant arguments of a call; others are undefined. Returns the error, if any. */
  readonly check?: ((constants: readonly (string | undefined)[]) => string | undefined) | undefined;
}

/** What is checked about a member of a route: a function, or a value that cannot be called. */
export type Signature = FunctionSignature | 'value';

/** All public members of a route; the type checker refuses missing and surplus names. */
type Signatures<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer _) => unknown ? FunctionSignature : 'value';
};

interface Definition {
  readonly parameters: readonly SharedParameter[];
}

/** Minimum and maximum number of arguments of a function. */
export function countsOf({ parameters }: FunctionSignature): readonly [least: number, max: number] {
  return argumentRange(parameters);
}

/** Signature of a function that only JavaScript has. */
function own(...parameters: readonly SharedParameter[]): FunctionSignature {
  return { parameters };
}

/** Signature from the table of both script languages. */
function as({ parameters }: Definition): FunctionSignature {
  return { parameters };
}

/** Signature from the table with only its first `count` parameters. */
function first(count: number, { parameters }: Definition): FunctionSignature {
  return { parameters: parameters.slice(0, count) };
}

/** Signature from the table, with other checks for some of its parameters than cfg files have. */
function checked(
  { parameters }: Definition,
  checks: Readonly<Record<string, NonNullable<SharedParameter['check']>>>,
): FunctionSignature {
  return {
    parameters: parameters.map(({ check: _, ...each }) => {
      const check = checks[each.name];
      return check === undefined ? each : { ...each, check };
    }),
  };
}

const SET = { set: faultOf.setNumber };

/**
 * Signature of a function on a set given by its number; Kamailio's functions have the partition as a further parameter.
 */
function onSet(definition: Definition, checks: Parameters<typeof checked>[1] = {}): FunctionSignature {
  return withPartition(checked(definition, { ...SET, ...checks }));
}

function withPartition({ parameters }: Definition): FunctionSignature {
  return { parameters: [...parameters, optional('partition', 'string')] };
}

const selecting: FunctionSignature = { ...checked(OPENSIPS.ds_select_dst, {}), check: faultOf.selection };
const answering = as(REPLY.opensips.send_reply);

const CORE: Signatures<CoreFunctions> = {
  get: own(param('format', 'string')),
  set: own(param('variable', 'writable'), param('value', 'expression')),
  format: own(param('text', 'string')),
  avps: 'value',
  retcode: 'value',
  exit: own(),
  xlog: { ...own(param('level or text', 'string'), optional('text', 'string')), check: faultOf.logLine },
  ds_count: checked(OPENSIPS.ds_count, SET),
  ds_is_in_list: checked(OPENSIPS.ds_is_in_list, { set: faultOf.setOrAll }),
  ds_push_script_attrs: checked(OPENSIPS.ds_push_script_attrs, SET),
  ds_get_script_attrs: checked(OPENSIPS.ds_get_script_attrs, SET),
  end: own(),
};

const SETS: Signatures<SetFunctions> = {
  ...CORE,
  ds_list_exists: onSet(KAMAILIO.ds_list_exists),
  ds_list_exist: onSet(KAMAILIO.ds_list_exist),
  ds_is_from_list: onSet(KAMAILIO.ds_is_from_list, { mode: faultOf.wholeNumber }),
  ds_is_active: onSet(KAMAILIO.ds_is_active),
  ds_mark_addr: onSet(KAMAILIO.ds_mark_addr, { state: faultOf.markedState }),
  ds_reload: withPartition(KAMAILIO.ds_reload),
  // The URI is optional here: without it as ds_dsg_fetch of cfg files, with it as ds_dsg_fetch_uri.
  ds_dsg_fetch: withPartition(own(param('set', 'string', { check: faultOf.setNumber }), optional('uri', 'string'))),
  ds_dsg_fetch_uri: onSet(KAMAILIO.ds_dsg_fetch_uri),
  ds_oc_set_attrs: onSet(KAMAILIO.ds_oc_set_attrs, {
    rate: faultOf.wholeNumber,
    time: faultOf.wholeNumber,
    sequence: faultOf.wholeNumber,
  }),
};

const MESSAGE: Signatures<MessageFunctions> = {
  ...SETS,
  is_method: as(MESSAGE_FUNCTIONS.is_method),
  has_totag: as(MESSAGE_FUNCTIONS.has_totag),
  is_present_hf: as(HEADER_FUNCTIONS.is_present_hf),
  append_hf: first(1, checked(HEADER_FUNCTIONS.append_hf, { lines: faultOf.addedLines })),
  remove_hf: checked(HEADER_FUNCTIONS.remove_hf, { name: faultOf.removedName }),
  ds_load_update: withPartition(KAMAILIO.ds_load_update),
};

const DISPATCH: Signatures<DispatchFunctions> = {
  ...MESSAGE,
  ds_select_dst: selecting,
  ds_select_domain: selecting,
  ds_select: onSet(KAMAILIO.ds_select, { algorithm: faultOf.wholeNumber, limit: faultOf.wholeNumber }),
  ds_select_routes: withPartition(
    checked(KAMAILIO.ds_select_routes, { mode: faultOf.routesMode, limit: faultOf.wholeNumber }),
  ),
  ds_next_dst: as(OPENSIPS.ds_next_dst),
  ds_next_domain: as(OPENSIPS.ds_next_domain),
  ds_set_dst: withPartition(KAMAILIO.ds_set_dst),
  ds_set_domain: withPartition(KAMAILIO.ds_set_domain),
  ds_mark_dst: as(OPENSIPS.ds_mark_dst),
  ds_load_unset: withPartition(KAMAILIO.ds_load_unset),
};

const REQUEST: Signatures<RequestRoute> = {
  ...DISPATCH,
  ru: 'value',
  du: 'value',
  // Further arguments that cfg files may give are written into the URI or the settings here.
  t_relay: first(0, TRANSACTION.opensips.t_relay),
  forward: first(0, TARGETS.core.forward),
  record_route: first(0, TARGETS.rr.record_route),
  append_branch: as(TARGETS.kamailio.append_branch),
  t_on_failure: as(TRANSACTION.opensips.t_on_failure),
  t_on_branch: as(TRANSACTION.opensips.t_on_branch),
  t_on_reply: as(TRANSACTION.opensips.t_on_reply),
  t_was_cancelled: as(TRANSACTION.opensips.t_was_cancelled),
  t_check_trans: as(TRANSACTION.both.t_check_trans),
  send_reply: answering,
  sl_send_reply: answering,
  t_reply: answering,
  append_to_reply: checked(REPLY.both.append_to_reply, { lines: faultOf.replyLines }),
  loose_route: as(TARGETS.rr.loose_route),
  mf_process_maxfwd_header: as(MAX_FORWARDS.mf_process_maxfwd_header),
  use_blacklist: as(BLACKLIST_FUNCTIONS.use_blacklist),
  unuse_blacklist: as(BLACKLIST_FUNCTIONS.unuse_blacklist),
};

const FAILURE: Signatures<FailureRoute> = {
  ...REQUEST,
  reply: 'value',
  code: 'value',
  local: 'value',
  t_check_status: as(STATUS_FUNCTIONS.t_check_status),
  get_redirects: own(
    optional('total', 'string', { check: faultOf.redirections }),
    optional('each', 'string', { check: faultOf.redirections }),
  ),
};

const BRANCH: Signatures<BranchRoute> = { ...MESSAGE, drop: own() };
const REPLIES: Signatures<ReplyRoute> = {
  ...MESSAGE,
  reply: 'value',
  code: 'value',
  t_check_status: as(STATUS_FUNCTIONS.t_check_status),
  drop: own(),
};
const LOCAL: Signatures<LocalRoute> = MESSAGE;
const EVENT: Signatures<EventRoute> = { ...CORE, event: 'value', params: 'value' };
const ALGO: Signatures<AlgoRoute> = {
  ...CORE,
  dst_uri: 'value',
  attrs: 'value',
  script_attrs: 'value',
  partition: 'value',
};

/** Members of the route object of each kind. */
export const SIGNATURES = {
  request: REQUEST,
  failure: FAILURE,
  branch: BRANCH,
  reply: REPLIES,
  local: LOCAL,
  event: EVENT,
  algo: ALGO,
} as const satisfies Readonly<Record<string, Readonly<Record<string, Signature>>>>;

/** Kinds of routes of a script. */
export type ScriptRouteKind = keyof typeof SIGNATURES;
