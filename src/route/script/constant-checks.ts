import { messageOf } from '../../core/errors.js';
import { nearest } from '../../core/nearest.js';
import { routesMode as modeOf } from '../../engine/kamailio/select-routes.js';
import { parseSelectArguments } from '../../engine/select-arguments.js';
import type { SharedParameter } from '../functions/definition.js';
import { LEVEL_NAMES, logLevel } from '../functions/log-levels.js';
import { formatOf, isWholeNumber, writableOf } from './arguments.js';
import { additionFault, headerLines, removalFault } from './header-edits.js';
import { replyLinesFault } from './reply-lines.js';
import type { RouteTable } from './route-table.js';
import { statusPattern } from './status.js';

// What is wrong with constants of a call in a JavaScript route script: what the function would refuse each time it runs.

type Constant = string | number;

/** A set by its number, with or without its partition: "3", "part:3". */
export function setNumber(value: Constant): string | undefined {
  const set = setOf(value);
  return /^[+-]?[0-9]{1,10}$/.test(set) ? undefined : `set "${set}" is not a number`;
}

/** As `setNumber`; "part:" and "" stand for all sets. */
export function setOrAll(value: Constant): string | undefined {
  return setOf(value) === '' ? undefined : setNumber(value);
}

function setOf(value: Constant): string {
  const text = String(value);
  return text.slice(text.lastIndexOf(':') + 1).trim();
}

/** A whole number, as text or as a number. */
export function wholeNumber(value: Constant): string | undefined {
  return isWholeNumber(String(value)) ? undefined : `"${value}" is not a number`;
}

/** The state of ds_mark_addr. */
export function markedState(value: Constant): string | undefined {
  return /^[aidtp]*$/i.test(String(value).trim()) ? undefined : `state "${value}" is not one of a, i, d, t, p`;
}

/** The mode of ds_select_routes. */
export function routesMode(value: Constant): string | undefined {
  return modeOf(String(value).trim()) === undefined ? `mode "${value}" is not one of d, r, x` : undefined;
}

/** Header lines that append_hf adds. */
export function addedLines(value: Constant): string | undefined {
  return additionFault(headerLines(String(value)));
}

/** The name of fields that remove_hf takes out. */
export function removedName(value: Constant): string | undefined {
  return removalFault(String(value));
}

/** Header lines of append_to_reply. */
export function replyLines(value: Constant): string | undefined {
  return replyLinesFault(headerLines(String(value)));
}

/** A bound of get_redirects: a number of Contacts, "*", or both bounds as "total:each". */
export function redirections(value: Constant): string | undefined {
  const bounds = /^\s*(?:\*|[0-9]{1,9})\s*(?::\s*(?:\*|[0-9]{1,9})\s*)?$/;
  return bounds.test(String(value)) ? undefined : `"${value}" is not a number of Contacts`;
}

/** Set, algorithm, flags, partition and number of results of ds_select_dst, in whichever form; all must be constants. */
export function selection(given: readonly (string | undefined)[]): string | undefined {
  const [set, alg, flags, partition, maxResults] = given;
  if (set === undefined || alg === undefined || given.includes(undefined)) return undefined;
  const read = parseSelectArguments({ set, alg, flags, partition, maxResults });
  return typeof read === 'string' ? read : undefined;
}

/** The level of xlog, where a text stands after it. */
export function logLine(given: readonly (string | undefined)[]): string | undefined {
  const [level] = given;
  if (given.length < 2 || level === undefined || logLevel(level) !== undefined) return undefined;
  const meant = nearest(level.replace(/^L_/, '').toUpperCase(), LEVEL_NAMES);
  return `"${level}" is not a log level${meant === undefined ? '' : `; did you mean "L_${meant}"?`}`;
}

/** What the settings name, which constants of a script are compared with. */
export interface KnownNames {
  readonly partitions: readonly string[];
  readonly blacklists: readonly string[];
}

/** What a script is checked against. */
export interface CheckedAgainst {
  /** Those of the script. */
  readonly routes: RouteTable;
  /** Undefined: names are not looked at. */
  readonly names: KnownNames | undefined;
}

/** What is wrong with a constant as this parameter. */
export function parameterFault(
  parameter: SharedParameter,
  text: string,
  { routes, names }: CheckedAgainst,
): string | undefined {
  try {
    switch (parameter.kind) {
      case 'writable':
        writableOf(text);
        return undefined;
      case 'regex':
        statusPattern(text);
        return undefined;
      case 'route':
        return routeFault(parameter, text, routes);
      case 'expression':
        return undefined;
      default:
        if (text.includes('$')) return formatFault(text);
        return valueFault(parameter, text) ?? (names && nameFault(parameter, text, names));
    }
  } catch (error) {
    return messageOf(error);
  }
}

function formatFault(text: string): undefined {
  formatOf(text);
}

function valueFault({ as, check }: SharedParameter, text: string): string | undefined {
  return check?.(text) ?? (as === 'number' ? wholeNumber(text) : undefined);
}

/** A partition, alone or before a set, or a black list that the settings do not have. */
function nameFault({ name: what }: SharedParameter, text: string, names: KnownNames): string | undefined {
  if (what === 'black list') return unknownName('black list', text.trim(), names.blacklists);
  if (what === 'partition') return unknownName('partition', text.trim(), names.partitions);
  const colon = what === 'set' ? text.lastIndexOf(':') : -1;
  return colon < 0 ? undefined : unknownName('partition', text.slice(0, colon).trim(), names.partitions);
}

/** "" stands for the default one. */
function unknownName(what: string, name: string, known: readonly string[]): string | undefined {
  if (name === '' || known.includes(name)) return undefined;
  const meant = nearest(name, known);
  return `no ${what} "${name}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`;
}

function routeFault({ route }: SharedParameter, text: string, routes: RouteTable): string | undefined {
  if (text === '' || text === '0' || text.includes('$')) return undefined;
  const kind = route === 'onreply' ? 'reply' : route === 'branch' ? 'branch' : 'failure';
  const table = routes[kind] ?? {};
  if (Object.hasOwn(table, text)) return undefined;
  const meant = nearest(text, Object.keys(table));
  return `no ${kind} route "${text}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`;
}
