import { coreHash } from '../../core/core-hash.js';
import type { PvarValue } from '../../pvar/context.js';
import type { VariableDefinition } from '../../pvar/variables/definition.js';
import type { CfgScope } from '../../script/call.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { code, type FunctionSpec, KAMAILIO, param, textOf } from '../define.js';
import { type HashTable, setIn, tableOf } from './tables.js';

/** An iteration over a table, with its entries at the time it began. */
interface TableWalk {
  readonly table: HashTable;
  keys: readonly string[];
  at: number;
}

/**
 * Removes the current entry. As recorded, the next entry becomes the current one, and the iteration starts again after
 * the last.
 */
function removeHere(env: ScriptEnvironment, walk: TableWalk, key: string): void {
  walk.table.entries.delete(key);
  if (++walk.at < walk.keys.length) return;
  walk.keys = keysOf(env, walk.table);
  walk.at = -1;
}

function keysOf(env: ScriptEnvironment, table: HashTable): string[] {
  const keys: string[] = [];
  for (const [key] of table.entries.entries(env.clock.monotonic())) if (keys.push(key) >= MAX_WALKED) break;
  return inSlots(keys, table.slots);
}

const tableWalks = {
  module: 'htable',
  create: () => new Map<string, TableWalk | undefined>(),
  renew: (before: Map<string, TableWalk | undefined>) => before,
};

/** Maximum number of iterations at once, and of entries in one. */
const MAX_WALKS = 4;
const MAX_WALKED = 100_000;

/** Keys in the order of the original's slots, and within a slot by their hashes, which ignore letter case. */
export function inSlots(keys: readonly string[], slots: number): string[] {
  return keys
    .map((key) => ({ key, hash: hashOf(key) }))
    .sort((a, b) => (a.hash % slots) - (b.hash % slots) || a.hash - b.hash)
    .map(({ key }) => key);
}

function hashOf(key: string): number {
  return coreHash(key.toLowerCase(), undefined, 0) >>> 0;
}

/** The slot of a key in the original's table. */
export function slotOf(key: string, slots: number): number {
  return hashOf(key) % slots;
}

function walkOf(env: ScriptEnvironment, name: string): TableWalk | undefined {
  return env.modules.of(tableWalks).get(name);
}

/** Functions such as sht_iterator_start(). */
export function iterators(): FunctionSpec[] {
  const onEntry = (
    name: string,
    parameters: FunctionSpec['parameters'] & object,
    /** `key` is the entry's, `text` is the second argument. */
    act: (walk: TableWalk, key: string, text: string, env: ScriptEnvironment) => void,
  ): FunctionSpec => ({
    name: `sht_iterator_${name}`,
    dialects: KAMAILIO,
    parameters: [param('walk', 'string'), ...parameters],
    summary: 'changes the current entry of an iteration',
    compile:
      ([walk, text]) =>
      (run) => {
        const found = walkOf(run.env, textOf(walk, run));
        const key = found?.keys[found.at];
        if (found === undefined || key === undefined) return -1;
        act(found, key, text === undefined ? '' : textOf(text, run), run.env);
        return 1;
      },
  });
  const value = [param('value', 'string')];
  return [
    {
      name: 'sht_iterator_start',
      dialects: KAMAILIO,
      parameters: [param('walk', 'string'), param('table', 'string')],
      summary: 'starts an iteration over a table',
      compile:
        ([walk, table]) =>
        (run) => {
          const found = tableOf(run.env, textOf(table, run));
          const all = run.env.modules.of(tableWalks);
          const name = textOf(walk, run);
          if (all.size >= MAX_WALKS && !all.has(name)) return -1;
          // As recorded, an iteration over a table that does not exist has a name that can be ended, and no entries.
          all.set(name, undefined);
          if (found === undefined) return -1;
          all.set(name, { table: found, keys: keysOf(run.env, found), at: -1 });
          return 1;
        },
    },
    {
      name: 'sht_iterator_next',
      dialects: KAMAILIO,
      parameters: [param('walk', 'string')],
      summary: 'goes to the next entry; false at the end',
      compile:
        ([walk]) =>
        (run) => {
          const found = walkOf(run.env, textOf(walk, run));
          if (found === undefined) return -1;
          found.at++;
          return code(found.at < found.keys.length);
        },
    },
    {
      name: 'sht_iterator_end',
      dialects: KAMAILIO,
      parameters: [param('walk', 'string')],
      summary: 'ends an iteration',
      compile:
        ([walk]) =>
        (run) => {
          return code(run.env.modules.of(tableWalks).delete(textOf(walk, run)));
        },
    },
    onEntry('rm', [], (walk, key, _text, env) => removeHere(env, walk, key)),
    onEntry('sets', value, ({ table }, key, text, env) => setIn(env, table, key, text)),
    onEntry('seti', value, ({ table }, key, text, env) => setIn(env, table, key, Number.parseInt(text, 10) || 0)),
    onEntry('setex', value, ({ table }, key, text, env) => {
      // As for $shtex: no effect in a table without autoexpire.
      if (table.autoexpire === 0) return;
      const now = env.clock.monotonic();
      const seconds = Number.parseInt(text, 10) || 0;
      const current = table.entries.get(key, now);
      if (current !== undefined) table.entries.set(key, current, seconds > 0 ? now + seconds * 1000 : undefined);
    }),
  ];
}

/** $shtitkey(name) and $shtitval(name) of an iteration. */
function walked(read: (walk: TableWalk, key: string, now: number) => PvarValue): VariableDefinition {
  return {
    argument: 'required',
    indexed: false,
    compile: (argument) => ({
      get: (context) => {
        const { env } = context as CfgScope;
        const walk = walkOf(env, argument?.constant ?? argument?.read(context) ?? '');
        const key = walk?.keys[walk.at];
        return walk === undefined || key === undefined ? null : read(walk, key, env.clock.monotonic());
      },
    }),
  };
}

/** Variables that read the current entry of an iteration. */
export const tableWalkVariables: readonly [string, VariableDefinition][] = [
  ['shtitkey', walked((_walk, key) => key)],
  ['shtitval', walked(({ table }, key, now) => table.entries.get(key, now) ?? null)],
];
