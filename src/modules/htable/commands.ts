import { messageOf } from '../../core/errors.js';
import { CommandFault, integer, type MiValue, type ScriptCommand } from '../../script/commands.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { refillHashTable } from './database.js';
import { storeHashTable } from './store.js';
import { type HashTable, hashTables, setIn } from './tables.js';

/** Maximum number of entries in one listing, and of characters of their keys and values. */
const MAX_LISTED = 10_000;
const MAX_LISTED_TEXT = 8 * 1024 * 1024;
/** Milliseconds for writing a table when an operator asks for it. */
const STORE_MS = 4500;

function tableOf(env: ScriptEnvironment, name: string | undefined): HashTable {
  const table = env.modules.of(hashTables).get(name ?? '');
  if (table === undefined) throw new CommandFault(500, 'No such htable');
  return table;
}

/** The hash table with a name, if it has a table in the database. */
function storedTableOf(env: ScriptEnvironment, name: string): HashTable {
  const table = tableOf(env, name);
  if (table.dbTable === '') throw new CommandFault(500, 'No database htable');
  return table;
}

const htable = 'htable';

/** Management commands of hash tables. */
export const hashTableCommands: readonly ScriptCommand[] = [
  {
    module: htable,
    rpc: 'htable.get',
    help: 'Get one key from a hash table.',
    changes: false,
    parameters: ['table', 'key'],
    required: 2,
    run(env, { table, key = '' }) {
      const value = tableOf(env, table).entries.get(key, env.clock.monotonic());
      if (value === undefined) throw new CommandFault(500, "Key name doesn't exist in htable.");
      return { item: { name: key, value } };
    },
  },
  ...(['htable.sets', 'htable.seti'] as const).map(
    (rpc): ScriptCommand => ({
      module: htable,
      rpc,
      help: `Set one key in a hash table to a ${rpc === 'htable.sets' ? 'string' : 'integer'}.`,
      changes: true,
      parameters: ['table', 'key', 'value'],
      required: 3,
      run(env, { table, key = '', value = '' }) {
        setIn(env, tableOf(env, table), key, rpc === 'htable.sets' ? value : integer(value, 'the value'));
        return 'Ok. Key set to new value.';
      },
    }),
  ),
  {
    module: htable,
    rpc: 'htable.delete',
    help: 'Delete one key from a hash table.',
    changes: true,
    parameters: ['table', 'key'],
    required: 2,
    run(env, { table, key = '' }) {
      tableOf(env, table).entries.delete(key);
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
    changes: false,
    parameters: ['table'],
    required: 1,
    run(env, { table }) {
      const out: MiValue[] = [];
      let characters = 0;
      for (const [name, value] of tableOf(env, table).entries.entries(env.clock.monotonic())) {
        characters += name.length + String(value).length;
        if (out.length >= MAX_LISTED || characters > MAX_LISTED_TEXT) break;
        out.push({ entry: out.length, size: 1, slot: { item: { name, value } } });
      }
      return out;
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
