import { trimmed } from '../../core/characters.js';
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

// Checks of constant arguments in a JavaScript route script: finds at load what the function would refuse each time it
// runs.

type Constant = string | number;

/** Checks a set number, with or without a partition: "3", "part:3". */
export function setNumber(value: Constant): string | undefined {
  const set = setOf(value);
  return /^[+-]?[0-9]{1,10}$/.test(set) ? undefined : `set "${set}" is not a number`;
}

/** Like `setNumber`; "part:" and "" stand for all sets. */
export function setOrAll(value: Constant): string | undefined {
  return setOf(value) === '' ? undefined : setNumber(value);
}

function setOf(value: Constant): string {
  const text = String(value);
  return trimmed(text.slice(text.lastIndexOf(':') + 1));
}

/** Checks a whole number, given as text or number. */
export function wholeNumber(value: Constant): string | undefined {
  return isWholeNumber(String(value)) ? undefined : `"${value}" is not a number`;
}

/** Checks the state argument of ds_mark_addr. */
export function markedState(value: Constant): string | undefined {
  return /^[aidtp]*$/i.test(trimmed(String(value))) ? undefined : `state "${value}" is not one of a, i, d, t, p`;
}

/** Checks the mode of ds_select_routes. */
export function routesMode(value: Constant): string | undefined {
  return modeOf(trimmed(String(value))) === undefined ? `mode "${value}" is not one of d, r, x` : undefined;
}

/** Checks header lines that append_hf adds. */
export function addedLines(value: Constant): string | undefined {
  return additionFault(headerLines(String(value)));
}

/** Checks the name of the fields that remove_hf removes. */
export function removedName(value: Constant): string | undefined {
  return removalFault(String(value));
}

/** Checks header lines of append_to_reply. */
export function replyLines(value: Constant): string | undefined {
  return replyLinesFault(headerLines(String(value)));
}

/** Checks a bound of get_redirects: a number of Contacts, "*", or two bounds as "total:each". */
export function redirections(value: Constant): string | undefined {
  const bounds = /^[ \t\r\n]*(?:\*|[0-9]{1,9})[ \t\r\n]*(?::[ \t\r\n]*(?:\*|[0-9]{1,9})[ \t\r\n]*)?$/;
  return bounds.test(String(value)) ? undefined : `"${value}" is not a number of Contacts`;
}

/**
 * Checks set, algorithm, flags, partition and number of results of ds_select_dst in any of its forms; all must be
 * constants.
 */
export function selection(given: readonly (string | undefined)[]): string | undefined {
  const [set, alg, flags, partition, maxResults] = given;
  if (set === undefined || alg === undefined || given.includes(undefined)) return undefined;
  const read = parseSelectArguments({ set, alg, flags, partition, maxResults });
  return typeof read === 'string' ? read : undefined;
}

/** Checks the level of xlog, when a text follows it. */
export function logLine(given: readonly (string | undefined)[]): string | undefined {
  const [level] = given;
  if (given.length < 2 || level === undefined || logLevel(level) !== undefined) return undefined;
  const meant = nearest(level.replace(/^L_/, '').toUpperCase(), LEVEL_NAMES);
  return `"${level}" is not a log level${meant === undefined ? '' : `; did you mean "L_${meant}"?`}`;
}

/** Names in the settings, against which constants of a script are checked. */
export interface KnownNames {
  readonly partitions: readonly string[];
  readonly blacklists: readonly string[];
}

/** What a script is checked against. */
export interface CheckContext {
  /** The routes of the script. */
  readonly routes: RouteTable;
  /** Undefined: names are not checked. */
  readonly names: KnownNames | undefined;
}

/** The error of a constant as the argument for this parameter; undefined when it is valid. */
export function parameterFault(
  parameter: SharedParameter,
  text: string,
  { routes, names }: CheckContext,
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

/** The error of a name: a partition (alone or before a set) or black list that the settings do not have. */
function nameFault({ name: what }: SharedParameter, text: string, names: KnownNames): string | undefined {
  if (what === 'black list') return unknownName('black list', trimmed(text), names.blacklists);
  if (what === 'partition') return unknownName('partition', trimmed(text), names.partitions);
  const colon = what === 'set' ? text.lastIndexOf(':') : -1;
  return colon < 0 ? undefined : unknownName('partition', trimmed(text.slice(0, colon)), names.partitions);
}

/** "" stands for the default partition. */
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
