import type { FunctionCall } from '../../cfg/ast.js';
import { literalText } from './expression-text.js';

/** Prefix of a condition about the source of a request; its value of `from_list` follows. */
export const FROM_LIST_CONDITION = 'from_list ';

/** Bits in the mode of ds_is_from_list that a rule can express. */
const ANY_PORT = 1;
const ANY_PROTOCOL = 2;
const ACTIVE_ONLY = 4;

/** The value of `from_list` that corresponds to this call; undefined if there is none. */
export function fromListOf(call: FunctionCall): string | undefined {
  const args = call.args.map(literalText);
  if (args.includes(undefined)) return undefined;
  const texts = args as readonly string[];
  if (call.name === 'ds_is_in_list') return inList(texts);
  return call.name === 'ds_is_from_list' ? isFromList(texts) : undefined;
}

/**
 * ds_is_in_list(ip, port[, set[, partition[, active only[, pattern]]]]); before 2.2 (ip, port[, set[, active only]]).
 */
function inList([ip, port = '', set = '', fourth = '', fifth = '', pattern = '']: readonly string[]):
  | string
  | undefined {
  if (ip !== '$si' && ip !== '$socket_in(ip)') return undefined;
  if (!/^(?:0?|\$sp)$/.test(port)) return undefined;
  const old = /^[01]$/.test(fourth) && fifth === '';
  const partition = old ? '' : fourth;
  const active = old ? fourth : fifth;
  const [, before = partition, digits] = /^(?:(\w[\w.-]*)\s*:\s*)?([0-9]{1,9}|-1)?$/.exec(set) ?? [];
  if (digits === undefined && set !== '') return undefined;
  if (!/^[\w.-]*$/.test(before) || !/^[01]?$/.test(active) || /[;$]/.test(pattern)) return undefined;
  const words = [
    `${before === '' ? '' : `${before}:`}${digits === undefined || digits === '-1' ? '*' : digits}`,
    ...(port === '$sp' ? ['port'] : []),
    ...(active === '1' ? ['active'] : []),
    ...(pattern === '' ? [] : [`attrs=${pattern}`]),
  ];
  return words.join(';');
}

/** ds_is_from_list([group[, mode]]): without mode, address, port and protocol must match. */
function isFromList([group = '', mode = '0', uri]: readonly string[]): string | undefined {
  if (uri !== undefined || !/^(?:[0-9]{1,9}|-1)?$/.test(group) || !/^[0-9]{1,2}$/.test(mode)) return undefined;
  const bits = Number(mode);
  const [anyPort, anyProtocol] = [(bits & ANY_PORT) !== 0, (bits & ANY_PROTOCOL) !== 0];
  if (bits > 7 || anyPort !== anyProtocol) return undefined;
  const set = group === '' || group === '-1' ? '*' : group;
  return [set, ...(anyPort ? [] : ['port']), ...((bits & ACTIVE_ONLY) === 0 ? [] : ['active'])].join(';');
}
