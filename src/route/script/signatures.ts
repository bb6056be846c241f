import type { AlgoRoute } from './algo-route.js';
import type { BranchRoute } from './branch-route.js';
import type { CoreFunctions } from './core-functions.js';
import type { DispatchFunctions } from './dispatch-functions.js';
import type { EventRoute } from './event-route.js';
import type { FailureRoute } from './failure-route.js';
import type { LocalRoute } from './local-route.js';
import type { MessageFunctions } from './message-functions.js';
import type { ReplyRoute } from './reply-route.js';
import type { RequestRoute } from './request-route.js';
import type { SetFunctions } from './set-functions.js';

/** What is checked about one member of a route: the least and most arguments of a function, or that it is a value. */
export type Signature = readonly [least: number, most: number] | 'value';

/** All public members of a route; the type checker refuses a missing name, one too many, and an impossible count. */
type Signatures<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => unknown
    ? readonly [least: A['length'], most: A['length']]
    : 'value';
};

const CORE: Signatures<CoreFunctions> = {
  get: [1, 1],
  set: [2, 2],
  format: [1, 1],
  avps: 'value',
  retcode: 'value',
  exit: [0, 0],
  xlog: [1, 2],
  ds_count: [3, 4],
  ds_is_in_list: [2, 6],
  ds_push_script_attrs: [4, 5],
  ds_get_script_attrs: [4, 4],
  end: [0, 0],
};

const SETS: Signatures<SetFunctions> = {
  ...CORE,
  ds_list_exists: [1, 2],
  ds_list_exist: [1, 2],
  ds_is_from_list: [0, 4],
  ds_is_active: [1, 3],
  ds_mark_addr: [3, 4],
  ds_reload: [0, 1],
  ds_dsg_fetch: [1, 3],
  ds_dsg_fetch_uri: [2, 3],
  ds_oc_set_attrs: [5, 6],
};

const MESSAGE: Signatures<MessageFunctions> = {
  ...SETS,
  is_method: [1, 1],
  has_totag: [0, 0],
  is_present_hf: [1, 1],
  append_hf: [1, 1],
  remove_hf: [1, 1],
  ds_load_update: [0, 1],
};

const DISPATCH: Signatures<DispatchFunctions> = {
  ...MESSAGE,
  ds_select_dst: [2, 5],
  ds_select_domain: [2, 5],
  ds_select: [2, 4],
  ds_select_routes: [2, 4],
  ds_next_dst: [0, 1],
  ds_next_domain: [0, 1],
  ds_set_dst: [0, 1],
  ds_set_domain: [0, 1],
  ds_mark_dst: [0, 2],
  ds_load_unset: [0, 1],
};

const REQUEST: Signatures<RequestRoute> = {
  ...DISPATCH,
  ru: 'value',
  du: 'value',
  t_relay: [0, 0],
  append_branch: [0, 2],
  forward: [0, 0],
  t_on_failure: [1, 1],
  t_on_branch: [1, 1],
  t_on_reply: [1, 1],
  t_was_cancelled: [0, 0],
  t_check_trans: [0, 0],
  send_reply: [2, 2],
  sl_send_reply: [2, 2],
  t_reply: [2, 2],
  append_to_reply: [1, 1],
  record_route: [0, 0],
  loose_route: [0, 0],
  mf_process_maxfwd_header: [1, 1],
  use_blacklist: [1, 1],
  unuse_blacklist: [1, 1],
};

const FAILURE: Signatures<FailureRoute> = {
  ...REQUEST,
  reply: 'value',
  code: 'value',
  local: 'value',
  t_check_status: [1, 1],
  get_redirects: [0, 2],
};

const BRANCH: Signatures<BranchRoute> = { ...MESSAGE, drop: [0, 0] };
const REPLY: Signatures<ReplyRoute> = {
  ...MESSAGE,
  reply: 'value',
  code: 'value',
  t_check_status: [1, 1],
  drop: [0, 0],
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

/** Members of the object that each kind of route is called with. */
export const SIGNATURES = {
  request: REQUEST,
  failure: FAILURE,
  branch: BRANCH,
  reply: REPLY,
  local: LOCAL,
  event: EVENT,
  algo: ALGO,
} as const satisfies Readonly<Record<string, Readonly<Record<string, Signature>>>>;

/** Kinds of routes of a script. */
export type ScriptRouteKind = keyof typeof SIGNATURES;
