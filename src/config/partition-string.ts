import { SwitchyardError } from '../core/errors.js';

/** The largest set id: a signed 32-bit integer, as in the originals. */
export const MAX_SET_ID = 2_147_483_647;

/** The parsed module parameter "partition". */
export type PartitionString =
  | { readonly kind: 'definition'; readonly name: string; readonly params: readonly (readonly [string, string])[] }
  /** "default: acme" makes the partition acme the default one. */
  | { readonly kind: 'redirect'; readonly target: string };

/**
 * Names are used in AVP names, NATS subjects and "partition:set" arguments, so they must not contain spaces, colons or
 * commas.
 */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

/**
 * Parses "partition_name: param1 = value1; param2 = value2" (module document, parameter "partition"). A value ends at
 * the next ";" and may contain "=" and ":"; a trailing ";" is allowed.
 * Throws SwitchyardError MODPARAM_SYNTAX; its message contains no value, which may be a URL with a password.
 */
export function parsePartitionString(text: string): PartitionString {
  const colon = text.indexOf(':');
  if (colon < 0) throw syntax('expected "name: param = value; ...", but there is no ":"');
  const name = text.slice(0, colon).trim();
  if (name === '') throw syntax('the partition name before ":" is missing');
  if (name.includes('=')) throw syntax('the partition name and ":" must come before the first parameter');
  if (!NAME.test(name)) throw syntax(`bad partition name "${shorten(name)}"`);
  const segments = text
    .slice(colon + 1)
    .split(';')
    .map((segment) => segment.trim())
    .filter((segment) => segment !== '');
  const target = segments[0];
  if (name === 'default' && segments.length === 1 && target !== undefined && NAME.test(target)) {
    if (target === 'default') throw syntax('the default partition cannot be redirected to itself');
    return { kind: 'redirect', target };
  }
  const params = segments.map((segment, i): [string, string] => {
    const equals = segment.indexOf('=');
    // The part is not shown, since it may be the end of a password that contains a ";".
    if (equals < 0) throw syntax(`part ${i + 1} of partition "${name}" is not of the form "param = value"`);
    const key = segment.slice(0, equals).trim();
    const value = unquoted(segment.slice(equals + 1).trim());
    if (!/^[A-Za-z_]{1,64}$/.test(key))
      throw syntax(`part ${i + 1} of partition "${name}" does not begin with a parameter name`);
    if (value === '') throw syntax(`parameter "${key}" of partition "${name}" has no value`);
    return [key, value];
  });
  return { kind: 'definition', name, params };
}

/** Removes the quotes that old documents put around $avp(name). */
function unquoted(text: string): string {
  const quote = text[0];
  return text.length > 1 && (quote === "'" || quote === '"') && text.endsWith(quote) ? text.slice(1, -1) : text;
}

/**
 * Parses a ds_define_blacklist value, "name= 1,4,3": the name of the list and its sets.
 * Throws SwitchyardError MODPARAM_SYNTAX.
 */
export function parseBlacklist(text: string): { readonly name: string; readonly sets: readonly number[] } {
  const match = /^\s*([A-Za-z0-9_][\w.-]{0,63})\s*=\s*([0-9]{1,10}(?:\s*,\s*[0-9]{1,10})*)\s*,?\s*$/.exec(text);
  if (!match) throw syntax(`bad blacklist "${shorten(text)}": expected a name and set ids, as in "list= 1,4,3"`);
  const sets = [...new Set(match[2]!.split(',').map(Number))];
  const high = sets.find((set) => set > MAX_SET_ID);
  if (high !== undefined) throw syntax(`bad blacklist "${match[1]}": set id ${high} is too large`);
  return { name: match[1]!, sets };
}

function shorten(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}...` : text;
}

function syntax(message: string): SwitchyardError {
  return new SwitchyardError('MODPARAM_SYNTAX', message);
}
