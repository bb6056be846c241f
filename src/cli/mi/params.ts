import { SwitchyardError } from '../../core/errors.js';
import type { MiValue } from '../../management/mi/command.js';

const NAMED = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s;

/** Commands with a list parameter, which takes the remaining words of the command line. */
const LIST_PARAMS: ReadonlyMap<string, { readonly name: string; readonly before: number }> = new Map([
  ['get_statistics', { name: 'statistics', before: 0 }],
  ['statistics:get', { name: 'statistics', before: 0 }],
  ['list_statistics', { name: 'statistics', before: 0 }],
  ['statistics:list', { name: 'statistics', before: 0 }],
  ['reset_statistics', { name: 'statistics', before: 0 }],
  ['statistics:reset', { name: 'statistics', before: 0 }],
  ['raise_event', { name: 'params', before: 1 }],
  ['evi:raise', { name: 'params', before: 1 }],
]);

/**
 * Parameters of an MI command from the command line: all "name=value", or all plain values. A list parameter takes the
 * remaining words ("get_statistics core: tm:") or, by name, comma-separated values ("statistics=core:,tm:").
 * @throws SwitchyardError USAGE when both kinds are mixed or a name is given twice
 */
export function parseCliParams(
  args: readonly string[],
  method = '',
): readonly MiValue[] | { readonly [name: string]: MiValue } | undefined {
  if (args.length === 0) return undefined;
  const list = LIST_PARAMS.get(method);
  const named = args.map((arg) => NAMED.exec(arg));
  if (named.every((match) => match === null)) {
    if (list === undefined) return [...args];
    const before = args.slice(0, list.before);
    return args.length > list.before ? [...before, args.slice(list.before)] : before;
  }
  const result: Record<string, MiValue> = {};
  for (const [i, match] of named.entries()) {
    if (match === null) {
      throw new SwitchyardError('USAGE', `"${args[i]}" is not a name=value: give all parameters by name, or none`);
    }
    const [, name, value] = match as unknown as [string, string, string];
    if (Object.hasOwn(result, name)) throw new SwitchyardError('USAGE', `parameter "${name}" is given twice`);
    // raise_event also takes a JSON object as a string, so a value with braces is not split.
    const isList = name === list?.name && !value.startsWith('{');
    result[name] = isList ? value.split(',') : value;
  }
  return result;
}
