import type { Expression, FunctionCall } from '../../cfg/ast.js';
import { expressionText, literalText } from './expression-text.js';

/** How the script changes the number in the request-URI, in the terms of a rule's `destination`. */
export interface NumberChange {
  /** Number of characters removed from its beginning. */
  readonly strip: number;
  /** Text put before the number after that. */
  readonly prefix: string;
}

/** A change of the request-URI that rules cannot express, as a text for the operator. */
export interface OtherChange {
  readonly problem: string;
}

/** The request-URI as received. */
export const UNCHANGED: NumberChange = { strip: 0, prefix: '' };

const REWRITES =
  /^(?:rewrite\w*|seturi|sethost\w*|seth|sethp|setport|setp|setuser\w*|setu|setup|strip_tail|revert_uri|subst_uri|subst_user|lookup|lookup_branches|avp_pushto|dp_translate|alias_db_lookup|do_routing|route_to_carrier|route_to_gw|next_gw|load_gws|ds_next_domain|lb_start\w*|load_balance|prefix2domain|enum_query|tel2sip|uri_replace)$/;
/** Variables that are parts of the request-URI. */
const URI_PARTS = /^\$(?:ru|rd|rU|rp|rP|rz|ruri)(?![\w(])|^\$\((?:ru|rd|rU|rp|rP)[){]/;

/** How a call changes the request-URI; undefined when it does not. */
export function numberAfterCall(call: FunctionCall, before: NumberChange): NumberChange | OtherChange | undefined {
  const { name, args } = call;
  if (name === 'strip') {
    const count = Number(literalText(args[0]) ?? '');
    if (Number.isInteger(count) && count >= 0) return stripped(before, count) ?? problem(call);
    return problem(call);
  }
  if (name === 'prefix') {
    const text = literalText(args[0]);
    return text === undefined || !isPlain(text) ? problem(call) : { ...before, prefix: text + before.prefix };
  }
  return REWRITES.test(name) ? problem(call) : undefined;
}

/** How an assignment changes the request-URI; undefined when it does not. */
export function numberAfterAssignment(
  target: string,
  operator: string,
  value: Expression,
  before: NumberChange,
): NumberChange | OtherChange | undefined {
  if (!URI_PARTS.test(target)) return undefined;
  const other = { problem: `${target} ${operator} ${expressionText(value)}` };
  if (target !== '$rU' || operator !== '=') return other;
  const text = literalText(value);
  const cut = text === undefined ? undefined : /^\$\(rU\{s\.(?:substr,(\d+),0|strip,(\d+))\}\)$/.exec(text);
  if (cut) return stripped(before, Number(cut[1] ?? cut[2])) ?? other;
  const prefix = text === undefined ? joined(value) : /^(.*?)\$(?:rU|\(rU\))$/s.exec(text)?.[1];
  return prefix === undefined || !isPlain(prefix) ? other : { ...before, prefix: prefix + before.prefix };
}

/** The TEXT in `TEXT + $rU`. */
function joined(value: Expression): string | undefined {
  if (value.kind !== 'binary' || value.operator !== '+') return undefined;
  return value.right.kind === 'variable' && value.right.text === '$rU' ? literalText(value.left) : undefined;
}

/** Whether `destination` would take a text literally: it has no attribute and no variable. */
function isPlain(text: string): boolean {
  return /^[0-9A-Za-z+*#_.-]{0,64}$/.test(text);
}

/** Removes characters; undefined when that would remove all of the prefix and a part of the number. */
function stripped({ strip, prefix }: NumberChange, count: number): NumberChange | undefined {
  if (count <= prefix.length) return { strip, prefix: prefix.slice(count) };
  return strip + count - prefix.length > 64 ? undefined : { strip: strip + count - prefix.length, prefix: '' };
}

function problem(call: FunctionCall): OtherChange {
  return { problem: expressionText(call) };
}

/** Whether two changes are equivalent. */
export function sameNumber(one: NumberChange, other: NumberChange): boolean {
  return one.strip === other.strip && one.prefix === other.prefix;
}
