import { messageOf } from '../../core/errors.js';
import { nextIteration } from '../../core/event-loop.js';
import type { PvarValue } from '../../pvar/context.js';
import { formatTime } from '../../pvar/time-format.js';
import { CommandFault, integer, type MiValue, type ScriptCommand } from '../../script/commands.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { refillHashTable } from './database.js';
import { storeHashTable } from './store.js';
import { type HashTable, hashTables, setIn } from './tables.js';
import { setSecondsLeft } from './variables.js';
import { inSlots, slotOf } from './walks.js';

/** Maximum number of entries in one listing, and of characters of their keys and values. */
const MAX_LISTED = 10_000;
const MAX_LISTED_TEXT = 8 * 1024 * 1024;
/** Number of entries counted by slot in one event loop iteration. */
const COUNTED = 2000;
/** Maximum milliseconds for writing a table on an operator's request. */
const STORE_MS = 4500;

function tableOf(env: ScriptEnvironment, name: string | undefined): HashTable {
  const table = env.modules.of(hashTables).get(name ?? '');
  if (table === undefined) throw new CommandFault(500, 'No such htable');
  return table;
}

/** The hash table with this name, if the file names a database table for it. */
function storedTableOf(env: ScriptEnvironment, name: string): HashTable {
  if (env.modules.module('htable').text('db_url', '') === '') throw new CommandFault(500, 'No htable db_url');
  const table = tableOf(env, name);
  if (table.dbTable === '') throw new CommandFault(500, 'No database htable');
  return table;
}

const htable = 'htable';

/** Throws the original's error for a command with too few parameters. */
function needed(missing: string, ...given: readonly (string | undefined)[]): void {
  if (given.includes(undefined)) throw new CommandFault(500, `Not enough parameters (htable name, ${missing})`);
}

function keptUntil(env: ScriptEnvironment, table: HashTable, key: string): string {
  const at = table.entries.expiresAt(key, env.clock.monotonic());
  return at === undefined ? 'NEVER' : formatTime('%F %T', new Date(env.clock.now() + at - env.clock.monotonic()));
}

/** Keys by the slots of the original's table, in its order; for a large table only some of them. */
function slots(env: ScriptEnvironment, table: HashTable): Map<number, { name: string; value: PvarValue }[]> {
  const values = new Map<string, PvarValue>();
  let characters = 0;
  for (const [name, value] of table.entries.entries(env.clock.monotonic())) {
    characters += name.length + String(value).length;
    if (values.size >= MAX_LISTED || characters > MAX_LISTED_TEXT) break;
    values.set(name, value);
  }
  const out = new Map<number, { name: string; value: PvarValue }[]>();
  for (const name of inSlots([...values.keys()], table.slots)) {
    const slot = slotOf(name, table.slots);
    const list = out.get(slot) ?? [];
    list.push({ name, value: values.get(name) ?? null });
    out.set(slot, list);
  }
  return out;
}

/** The number of entries and of slots of a table. Calls are handled meanwhile. */
async function sizesOf(env: ScriptEnvironment, name: string, table: HashTable): Promise<MiValue> {
  const sizes = new Uint32Array(table.slots);
  let all = 0;
  // Entries that are added meanwhile are not counted: otherwise the walk might never end.
  const { size } = table.entries;
  for (const [key] of table.entries.entries(env.clock.monotonic())) {
    if (all >= size) break;
    const slot = slotOf(key, table.slots);
    sizes[slot] = (sizes[slot] ?? 0) + 1;
    if (++all % COUNTED === 0) await nextIteration();
  }
  const min = sizes.reduce((a, b) => Math.min(a, b));
  return { name, slots: table.slots, all, min, max: sizes.reduce((a, b) => Math.max(a, b)) };
}

const SET = 'Ok. Key set to new value.';

/** Management commands of hash tables. */
export const hashTableCommands: readonly ScriptCommand[] = [
  {
    module: htable,
    rpc: 'htable.get',
    help: 'Get one key from a hash table.',
    changes: false,
    parameters: ['table', 'key'],
    required: 0,
    run(env, { table, key }) {
      if (table === undefined || key === undefined)
        throw new CommandFault(500, 'Not enough parameters (htable name and key name)');
      const found = tableOf(env, table);
      const value = found.entries.get(key, env.clock.monotonic());
      if (value === undefined) throw new CommandFault(500, "Key name doesn't exist in htable.");
      const flags = typeof value === 'number' ? 0 : 2;
      return { item: { name: key, value, flags, expire: keptUntil(env, found, key) } };
    },
  },
  ...(['htable.sets', 'htable.seti'] as const).map(
    (rpc): ScriptCommand => ({
      module: htable,
      rpc,
      help: `Set one key in a hash table to a ${rpc === 'htable.sets' ? 'string' : 'integer'}.`,
      changes: true,
      parameters: ['table', 'key', 'value'],
      required: 0,
      run(env, { table, key, value }) {
        needed('key name and value', table, key, value);
        const set = rpc === 'htable.sets' ? (value ?? '') : integer(value, 'the value');
        setIn(env, tableOf(env, table), key ?? '', set);
        return SET;
      },
    }),
  ),
  ...(['htable.setxs', 'htable.setxi'] as const).map(
    (rpc): ScriptCommand => ({
      module: htable,
      rpc,
      help: `Set one key in a hash table to a ${rpc === 'htable.setxs' ? 'string' : 'integer'} for some seconds.`,
      changes: true,
      parameters: ['table', 'key', 'value', 'expires'],
      required: 0,
      run(env, { table, key, value, expires }) {
        needed('key name, value and expire', table, key, value, expires);
        const { entries } = tableOf(env, table);
        const seconds = integer(expires, 'the time');
        const until = seconds > 0 ? env.clock.monotonic() + seconds * 1000 : undefined;
        entries.set(key ?? '', rpc === 'htable.setxs' ? (value ?? '') : integer(value, 'the value'), until);
        return SET;
      },
    }),
  ),
  {
    module: htable,
    rpc: 'htable.setex',
    help: 'Set the seconds after which a key of a hash table expires.',
    changes: true,
    parameters: ['table', 'key', 'expires'],
    required: 0,
    run(env, { table, key, expires }) {
      needed('item name and expire', table, key, expires);
      setSecondsLeft(env, tableOf(env, table), key ?? '', integer(expires, 'the time'));
      return 'Ok';
    },
  },
  {
    module: htable,
    rpc: 'htable.delete',
    help: 'Delete one key from a hash table.',
    changes: true,
    parameters: ['table', 'key'],
    required: 0,
    run(env, { table, key }) {
      if (table === undefined || key === undefined)
        throw new CommandFault(500, 'Not enough parameters (htable name & key name');
      const { entries } = tableOf(env, table);
      if (entries.get(key, env.clock.monotonic()) === undefined)
        throw new CommandFault(404, 'Key not found in htable.');
      entries.delete(key);
      return 'Ok. Key deleted.';
    },
  },
  {
    module: htable,
    rpc: 'htable.flush',
    help: 'Flush hash table.',
    changes: true,
    parameters: ['table'],
    required: 1,
    run(env, { table }) {
      tableOf(env, table).entries.clear();
      return 'Ok. Htable flushed.';
    },
  },
  {
    module: htable,
    rpc: 'htable.reload',
    help: 'Reload hash table from database.',
    changes: true,
    parameters: ['table'],
    required: 1,
    async run(env, { table = '' }) {
      storedTableOf(env, table);
      if (!refillHashTable(env, table) || !(await env.reloadTables()))
        throw new CommandFault(500, 'Htable reload failed');
      return 'Ok. Htable reloaded.';
    },
  },
  {
    module: htable,
    rpc: 'htable.store',
    help: 'Store hash table to database.',
    changes: true,
    parameters: ['table'],
    required: 1,
    async run(env, { table = '' }) {
      const found = storedTableOf(env, table);
      let left: number;
      try {
        left = (await storeHashTable(env, table, found, STORE_MS)).left;
      } catch (error) {
        throw new CommandFault(500, `Htable store failed: ${messageOf(error)}`);
      }
      if (left > 0) throw new CommandFault(500, `Htable stored without ${left} entries, which the database refuses`);
      return 'Ok. Htable successfully stored to DB.';
    },
  },
  {
    module: htable,
    rpc: 'htable.dump',
    help: 'Dump the contents of hash table.',
    structs: 'slot',
    changes: false,
    parameters: ['table'],
    required: 0,
    run(env, { table }) {
      if (table === undefined) throw new CommandFault(500, 'No htable name given');
      return [...slots(env, tableOf(env, table))].map(([entry, slot]) => ({
        entry,
        size: slot.length,
        slot: slot.map(({ name, value }) => ({ name, value, type: typeof value === 'number' ? 'int' : 'str' })),
      }));
    },
  },
  {
    module: htable,
    rpc: 'htable.stats',
    help: 'Statistics about hash tables.',
    changes: false,
    parameters: [],
    required: 0,
    async run(env) {
      const all: MiValue[] = [];
      for (const [name, table] of [...env.modules.of(hashTables)].reverse()) all.push(await sizesOf(env, name, table));
      return all;
    },
  },
  {
    module: htable,
    rpc: 'htable.listTables',
    help: 'List all htables.',
    changes: false,
    parameters: [],
    required: 0,
    // As recorded, the table defined last comes first.
    run: (env) =>
      [...env.modules.of(hashTables)].reverse().map(([name, table]) => ({
        name,
        dbtable: table.dbTable,
        dbmode: table.dbMode,
        expire: table.autoexpire / 1000,
        updateexpire: table.updateExpire ? 1 : 0,
        size: table.slots,
        dmqreplicate: table.replicated,
      })),
  },
];
