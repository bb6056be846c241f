import { trimmed } from '../../core/characters.js';
import type { Adder } from '../../core/owned-entries.js';
import type { ValueMap } from '../../core/value-map.js';
import type { PvarValue } from '../../pvar/context.js';
import type { ModuleParameters, ModuleStates, ScriptEnvironment } from '../../script/environment.js';
import { hashTableDefinition } from '../../script/tables.js';
import { copiedValues, valuesOf } from '../expiring-map.js';

/** Maximum number of entries of one table. */
const MAX_ENTRIES = 1_000_000;

/** One hash table. */
export interface HashTable {
  readonly entries: ValueMap<PvarValue>;
  readonly initial: PvarValue;
  /** Milliseconds; 0: entries do not expire. */
  readonly autoexpire: number;
  readonly updateExpire: boolean;
  /** Number of slots of the original's table: iterations are in their order. */
  readonly slots: number;
  /** Name of the database table; "": none. */
  readonly dbTable: string;
  /** 0: entries are not written to the database when the program stops. */
  readonly dbMode: number;
  /** Whether the definition names its own columns (cols). Such a table is read, but not written. */
  readonly ownColumns: boolean;
  /** Value of dmqreplicate, which has no effect. */
  readonly replicated: number;
}

/** Hash tables from the parameter htable: "name=>size=4;autoexpire=60;initval=0;". */
export const hashTables = {
  module: 'htable',
  create(parameters: ModuleParameters, states: ModuleStates): Map<string, HashTable> {
    const tables = new Map<string, HashTable>();
    for (const each of parameters.all('htable')) {
      const { name, options } = hashTableDefinition(String(each));
      const fault = definitionFault(String(each)) ?? optionFault(options);
      if (fault !== undefined) throw new Error(`htable ${name}: ${fault}`);
      if (tables.has(name)) throw new Error(`htable ${name}: there is a table of this name already`);
      const initial = options.get('initval');
      tables.set(name, {
        entries: valuesOf(states, `htable ${name}`, MAX_ENTRIES),
        initial: initial === undefined ? null : Number(initial),
        autoexpire: Number(options.get('autoexpire') ?? 0) * 1000,
        updateExpire: options.get('updateexpire') !== '0',
        slots: slotsOf(options.get('size')),
        dbTable: options.get('dbtable') ?? '',
        dbMode: Number(options.get('dbmode') ?? 0),
        ownColumns: (options.get('cols') ?? '') !== '',
        replicated: Number(options.get('dmqreplicate') ?? 0),
      });
    }
    return tables;
  },
  renew(before: Map<string, HashTable>, parameters: ModuleParameters, states: ModuleStates): Map<string, HashTable> {
    const after = this.create(parameters, states);
    for (const [name, table] of after) {
      const { entries } = before.get(name) ?? table;
      after.set(name, { ...table, entries });
    }
    return after;
  },
  copy(tables: Map<string, HashTable>): Map<string, HashTable> {
    return new Map(
      [...tables].map(([name, table]) => [name, { ...table, entries: copiedValues(table.entries, MAX_ENTRIES) }]),
    );
  },
};

const NO_COMMA = /^[^,]*$/;

/** Options of a definition, with the values that 5.6.3 accepts. An empty value counts as missing. */
const OPTIONS: Readonly<Record<string, RegExp>> = {
  size: /^\d*$/,
  autoexpire: /^\d*$/,
  initval: /^-?\d*$/,
  updateexpire: /^\d*$/,
  dbmode: /^\d*$/,
  dmqreplicate: /^\d*$/,
  dbtable: /^/,
  cols: /^/,
  coldelim: NO_COMMA,
  colnull: /^/,
};

/** The error in the form of a definition. */
function definitionFault(text: string): string | undefined {
  if (!text.includes('=>')) return 'the definition has no "=>"';
  return /^[^'"]*;[ \t]*;/.test(text) ? 'there is an empty option' : undefined;
}

/**
 * The error for which Kamailio refuses a definition. Defines are not expanded inside strings, so a wrong value may be
 * the name of one.
 */
function optionFault(options: ReadonlyMap<string, string>): string | undefined {
  for (const [name, value] of options) {
    const form = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
    if (form === undefined) return `there is no option "${name}"`;
    if (form.test(value)) continue;
    return form === NO_COMMA ? `${name} may have no comma` : `${name} must be a number, not "${value}"`;
  }
  return undefined;
}

/** The hash table with a name; undefined when none was defined. */
export function tableOf(env: ScriptEnvironment, name: string): HashTable | undefined {
  return env.modules.of(hashTables).get(name);
}

/** Sets an entry; null deletes it. `by`: the source for whose request it is set. */
export function setIn(env: ScriptEnvironment, table: HashTable, key: string, value: PvarValue, by?: Adder): void {
  const now = env.clock.monotonic();
  const kept = table.updateExpire ? undefined : table.entries.expiresAt(key, now);
  const expires = table.autoexpire > 0 ? (kept ?? now + table.autoexpire) : undefined;
  if (value === null) table.entries.delete(key);
  else table.entries.set(key, value, expires, by);
}

/** Splits "table=>key". */
export function tableKey(text: string): readonly [table: string, key: string] {
  const at = text.indexOf('=>');
  return at < 0 ? [trimmed(text), ''] : [trimmed(text.slice(0, at)), text.slice(at + 2)];
}

/** Number of slots of the original's table, a power of two; as recorded, a size below 2 counts as 3. */
function slotsOf(size: string | undefined): number {
  const exponent = Number(size ?? 8) || 8;
  return 2 ** (exponent < 2 ? 3 : Math.min(14, exponent));
}
