import type { Expression, Statement } from '../../cfg/ast.js';

/** Functions that select from a set. */
export const SELECTS = /^ds_select_(?:dst|domain|routes)$|^ds_select$/;
/** Functions that proceed to the next destination. */
export const NEXT_FUNCTIONS = /^ds_next_(?:dst|domain)$/;
/** Functions that forward with a transaction. */
export const RELAY_FUNCTIONS = /^t_relay(?:_to(?:_(?:udp|tcp|tls))?)?$/;
/** Functions that forward without a transaction. */
export const FORWARDS = /^forward(?:_(?:udp|tcp|tls))?$/;
/** A method whose requests a rule may answer itself. */
export const ACCEPTED = /^(?!(?:INVITE|ACK|CANCEL)$)[A-Z]+$/;

/** Functions that answer the request. */
export const REPLIES = /^(?:send_reply|sl_send_reply|t_reply|sl_reply|sl_reply_error|send_reply_error|t_send_reply)$/;

/** Functions for things that the proxy does itself for every request. */
const BUILT_IN = new Set([
  'mf_process_maxfwd_header',
  'process_maxfwd',
  'maxfwd_process',
  'mf_process_maxfwd',
  'sanity_check',
  't_check_trans',
  't_precheck_trans',
  't_lookup_request',
  't_newtran',
  'loose_route',
  'force_rport',
  'add_local_rport',
  't_was_cancelled',
  't_is_canceled',
  't_is_set',
  't_set_fr',
]);
/** Functions that only write log lines. */
const LOGS = /^(?:xlog|xlogl|xdbg|xinfo|xnotice|xwarn|xerr|xalert|xcrit|xbug|log|xlogm)$/;

/** Functions that set a route which is reported separately. */
export const ARMS = /^t_on_(?:reply|branch|branch_failure)$/;

/** Whether these statements do nothing that would have to be imported. */
export function isSilent(statements: readonly Statement[]): boolean {
  return statements.every((statement) => {
    if (statement.kind === 'if') return isSilent(statement.body) && isSilent(statement.otherwise ?? []);
    if (statement.kind !== 'call-statement' || statement.call.kind !== 'call') return false;
    const { name } = statement.call;
    return isLog(name) || isBuiltIn(name) || ARMS.test(name);
  });
}

/** Whether the proxy itself does what a function is for. */
export function isBuiltIn(name: string): boolean {
  return BUILT_IN.has(name);
}

/** Whether a function only writes to the log. */
export function isLog(name: string): boolean {
  return LOGS.test(name);
}

/** The value of a condition for every request that begins a dialog; undefined when it depends on the request. */
export function constantValue(condition: Expression): boolean | undefined {
  if (condition.kind === 'int') return condition.value !== 0;
  if (condition.kind !== 'call') return undefined;
  switch (condition.name) {
    case 'has_totag':
    case 'loose_route':
    case 't_check_trans':
    case 't_precheck_trans':
    case 't_lookup_request':
    case 't_was_cancelled':
    case 't_is_canceled':
      return false;
    case 'mf_process_maxfwd_header':
    case 'process_maxfwd':
    case 'maxfwd_process':
    case 'mf_process_maxfwd':
    case 'sanity_check':
    case 't_newtran':
    // The limits in the settings do this.
    case 'pike_check_req':
      return true;
    default:
      return undefined;
  }
}

/**
 * Whether these statements decide where a request goes: then, inside a condition that is not understood, the result is
 * unknown.
 */
export function decides(
  statements: readonly Statement[],
  routes: (name: string) => readonly Statement[] | undefined,
  depth = 0,
): boolean {
  return statements.some((statement) => {
    switch (statement.kind) {
      case 'exit':
      case 'drop':
      case 'return':
        return true;
      case 'assign':
        return /^\$(?:ru|rd|rU|rp|du|dd|dp|dP|fs|rP)\b/.test(statement.target.text);
      case 'call-statement': {
        const { call } = statement;
        if (call.kind === 'call') return callDecides(call.name);
        const name = call.name.kind === 'string' || call.name.kind === 'word' ? nameOf(call.name) : undefined;
        const body = name === undefined ? undefined : routes(name);
        return body === undefined || depth > 16 || decides(body, routes, depth + 1);
      }
      case 'if':
        return (
          mentions(statement.condition) ||
          decides(statement.body, routes, depth) ||
          decides(statement.otherwise ?? [], routes, depth)
        );
      case 'while':
      case 'for':
        return decides(statement.body, routes, depth);
      case 'switch':
        return statement.cases.some((each) => decides(each.body, routes, depth));
      case 'async':
      case 'launch':
        return true;
      default:
        return false;
    }
  });
}

function callDecides(name: string): boolean {
  return (
    SELECTS.test(name) ||
    RELAY_FUNCTIONS.test(name) ||
    FORWARDS.test(name) ||
    REPLIES.test(name) ||
    name.startsWith('ds_') ||
    /^(?:t_on_failure|lookup|rewrite\w*|seturi|sethost\w*|setuser\w*|strip|prefix|append_branch|t_forward\w*|t_replicate|t_load_contacts|t_next_contacts|do_routing|lb_start\w*|next_gw|load_gws|setdsturi)$/.test(
      name,
    )
  );
}

/** Whether a condition calls a function that decides. */
function mentions(condition: Expression): boolean {
  switch (condition.kind) {
    case 'call':
      return callDecides(condition.name);
    case 'unary':
      return mentions(condition.operand);
    case 'binary':
      return mentions(condition.left) || mentions(condition.right);
    case 'route':
      return true;
    default:
      return false;
  }
}

/** The name in route(NAME), as a word or a string. */
export function nameOf(name: Expression): string | undefined {
  if (name.kind === 'string') return name.value.includes('$') ? undefined : name.value;
  if (name.kind === 'word') return name.text;
  return name.kind === 'int' ? String(name.value) : undefined;
}
