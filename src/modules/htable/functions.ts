import {
  code,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  param,
  type ScriptFunction,
  textOf,
} from '../define.js';
import { adderOf } from '../expiring-map.js';
import { exactly } from '../patterns.js';
import { tableKey, tableOf } from './tables.js';
import { iterators } from './walks.js';

function matcher(op: string, wanted: string): (text: string) => boolean {
  switch (op) {
    case 'eq':
      return (text) => text === wanted;
    case 'ne':
      return (text) => text !== wanted;
    case 're': {
      const regex = exactly(wanted);
      return (text) => regex.test(text);
    }
    case 'sw':
      return (text) => text.startsWith(wanted);
    case 'ew':
      return (text) => text.endsWith(wanted);
    case 'in':
      return (text) => text.includes(wanted);
    default:
      return () => false;
  }
}

/** Operators for testing entries, and those for removing them (in 5.6; more since 6.0). */
const TESTING: ReadonlySet<string> = new Set(['eq', 'ne', 're', 'sw']);
const REMOVING: ReadonlySet<string> = new Set(['re', 'sw']);
const REMOVING_LATER: ReadonlySet<string> = new Set(['re', 'sw', 'ew', 'in']);

/** Functions such as sht_rm_name(table, op, text) and sht_has_str_value(...). */
function tableFunction(name: string, on: 'name' | 'value', act: 'remove' | 'test'): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    parameters: [param('table', 'string'), param('operator', 'string'), param('text', 'string')],
    summary: act === 'remove' ? 'removes entries of a table' : 'whether a table has such an entry',
    compile: ([table, op, text], { facts }) => {
      const operators = act === 'test' ? TESTING : facts.later === true ? REMOVING_LATER : REMOVING;
      return (run) => {
        const found = tableOf(run.env, textOf(table, run));
        if (found === undefined) return -1;
        const operator = textOf(op, run);
        if (!operators.has(operator)) return -1;
        const wanted = textOf(text, run);
        // As recorded, an empty text is refused instead of matching everything.
        if (wanted === '') return -1;
        const test = matcher(operator, wanted);
        const now = run.env.clock.monotonic();
        const keys = [...found.entries.entries(now)]
          // Values that are numbers never match.
          .filter(([key, value]) => (on === 'name' ? test(key) : typeof value === 'string' && test(value)))
          .map(([key]) => key);
        if (act === 'test') return code(keys.length > 0);
        for (const key of keys) found.entries.delete(key);
        return 1;
      };
    },
  };
}

/** Return code of sht_lock() and sht_unlock() for a table that does not exist. */
const NO_TABLE = -11;

const htable: FunctionSpec[] = [
  {
    name: 'sht_reset',
    dialects: KAMAILIO,
    parameters: [param('table', 'string')],
    summary: 'empties a table',
    compile:
      ([table]) =>
      (run) => {
        const found = tableOf(run.env, textOf(table, run));
        found?.entries.clear();
        return code(found !== undefined);
      },
  },
  ...['sht_lock', 'sht_unlock'].map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      parameters: [param('entry', 'string')],
      summary: 'accepted: no other route runs meanwhile',
      compile:
        ([entry]) =>
        (run) =>
          tableOf(run.env, tableKey(textOf(entry, run))[0]) === undefined ? NO_TABLE : 1,
    }),
  ),
  {
    name: 'sht_rm',
    dialects: KAMAILIO,
    parameters: [param('table', 'string'), param('key', 'string')],
    summary: 'removes an entry of a table',
    compile:
      ([table, key]) =>
      (run) => {
        const found = tableOf(run.env, textOf(table, run));
        const name = textOf(key, run);
        if (found === undefined || name === '') return -1;
        found.entries.delete(name);
        return 1;
      },
  },
  ...(['sht_setxs', 'sht_setxi'] as const).map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      parameters: [
        param('table', 'string'),
        param('key', 'string'),
        param('value', 'string'),
        param('expires', 'string'),
      ],
      summary: 'sets an entry of a table with its time to live in seconds',
      compile:
        ([table, key, value, expires]) =>
        (run) => {
          const found = tableOf(run.env, textOf(table, run));
          if (found === undefined) return -1;
          const text = textOf(value, run);
          const seconds = intOf(expires, run, 0);
          // As recorded, entries of a table without autoexpire do not expire.
          const lives = seconds > 0 && found.autoexpire > 0;
          const at = lives ? run.env.clock.monotonic() + seconds * 1000 : undefined;
          const kept = name === 'sht_setxi' ? Number.parseInt(text, 10) || 0 : text;
          found.entries.set(textOf(key, run), kept, at, adderOf(run));
          return 1;
        },
    }),
  ),
  {
    name: 'sht_print',
    dialects: KAMAILIO,
    summary: 'accepted; tables are not printed',
    compile: () => () => 1,
  },
  ...iterators(),
  ...['sht_rm_name_re', 'sht_rm_value_re'].map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      parameters: [param('table=>pattern', 'string')],
      summary: 'removes matching entries',
      compile:
        ([text]) =>
        (run) => {
          const [table, pattern] = tableKey(textOf(text, run));
          const found = tableOf(run.env, table);
          if (pattern === '') return -1;
          if (found === undefined) return 1;
          const regex = exactly(pattern);
          for (const [key, value] of [...found.entries.entries(run.env.clock.monotonic())]) {
            const text = name.includes('name') ? key : value;
            if (typeof text === 'string' && regex.test(text)) found.entries.delete(key);
          }
          return 1;
        },
    }),
  ),
  tableFunction('sht_rm_name', 'name', 'remove'),
  tableFunction('sht_rm_value', 'value', 'remove'),
  tableFunction('sht_match_name', 'name', 'test'),
  tableFunction('sht_has_name', 'name', 'test'),
  tableFunction('sht_match_str_value', 'value', 'test'),
  tableFunction('sht_has_str_value', 'value', 'test'),
];

/** Functions of htable. */
export const htableFunctions: ScriptFunction[] = moduleFunctions('htable', htable);
