import type { GlobalParameter, SettingValue } from '../cfg/ast.js';
import { switchOf } from '../core/switch-words.js';
import { plainValue } from './parameters.js';

/** Maximum number of ports in one "socket". */
const MAX_PORTS = 1000;

const KEYS: ReadonlySet<string> = new Set(['bind', 'advertise', 'name', 'agname', 'virtual', 'vrf', 'workers']);

/**
 * Translates "socket = { bind = udp:10.0.0.1:5060; advertise = ...; name = "edge"; }" of Kamailio 5.7 and later to
 * "listen" parameters, one for each port of a range "5060-5068". As the core cookbook says, names get the port as a
 * suffix, and advertised ports are counted up too. Throws an Error that says what is wrong.
 */
export function listenersOf(parameter: GlobalParameter): readonly GlobalParameter[] {
  const { rest, at } = parameter;
  const given = new Map<string, SettingValue>();
  for (let i = 0; i + 1 < rest.length; i += 2) {
    const key = String(plainValue(rest[i] as SettingValue));
    if (!KEYS.has(key)) throw new Error(`unknown attribute "${key}": expected one of ${[...KEYS].join(', ')}`);
    given.set(key, rest[i + 1] as SettingValue);
  }
  const text = (key: string): string | undefined => {
    const value = given.get(key);
    return value === undefined ? undefined : String(plainValue(value)).trim();
  };
  const bind = text('bind');
  if (bind === undefined || bind === '') throw new Error('attribute "bind" is missing');
  const [, address = bind, first, last] = /^(.*):(\d+)-(\d+)$/.exec(bind) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first !== undefined && (to < from || to > 65_535 || to - from >= MAX_PORTS))
    throw new Error(`bind: ${first}-${last} is not a range of at most ${MAX_PORTS} ports`);
  const ports = first === undefined ? [undefined] : Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const word = (value: string): SettingValue => ({ kind: 'word', text: value, at });
  return ports.map((port, i) => {
    const options: SettingValue[] = [];
    const advertised = text('advertise');
    if (advertised !== undefined) options.push(word('advertise'), word(shifted(advertised, i)));
    const name = text('name');
    if (name !== undefined) options.push(word('name'), word(port === undefined ? name : `${name}${port}`));
    if (switchOf(text('virtual') ?? '') === true) options.push(word('virtual'));
    return { name: 'listen', value: word(port === undefined ? bind : `${address}:${port}`), rest: options, at };
  });
}

/** "host:port" with `by` added to the port. */
function shifted(address: string, by: number): string {
  const [, host, port] = /^(.*):(\d+)$/.exec(address) ?? [];
  return host === undefined ? address : `${host}:${Number(port) + by}`;
}

/**
 * Splits "udp:(10.0.0.1,10.0.0.2):5060" into one address each, as 5.6.3 listens on them; any other text stays as it is.
 */
export function eachAddress(text: string): readonly string[] {
  const [, transport = '', list, port = ''] = /^([a-z]+:)?\(([^()]*)\)(:\d+)?$/i.exec(text) ?? [];
  if (list === undefined) return [text];
  return list.split(',').map((each) => `${transport}${each.trim()}${port}`);
}
