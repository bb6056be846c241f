import { compilePosix } from '../core/posix-regex.js';
import type { PvarContext, PvarValue } from '../pvar/context.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { CfgScope, MessageRun } from '../script/call.js';
import type { ModuleParameters, ScriptEnvironment } from '../script/environment.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { ExpiringMap } from './expiring-map.js';

/** Entries one store may hold. */
const MOST_ENTRIES = 1_000_000;

/** cachedb_local: collections by name, one after the id in cachedb_url. */
export const cacheStore = {
  module: 'cachedb_local',
  create(parameters: ModuleParameters): Map<string, ExpiringMap<PvarValue>> {
    const urls = parameters.all('cachedb_url').map(String);
    const ids = urls.length === 0 ? ['local'] : urls.map((url) => /^(local(?::[^:/]+)?):/.exec(url)?.[1] ?? 'local');
    return new Map([...new Set([...ids, 'local'])].map((id) => [id, new ExpiringMap<PvarValue>(MOST_ENTRIES)]));
  },
  renew(
    before: Map<string, ExpiringMap<PvarValue>>,
    parameters: ModuleParameters,
  ): Map<string, ExpiringMap<PvarValue>> {
    const after = this.create(parameters);
    for (const id of after.keys()) after.set(id, before.get(id) ?? new ExpiringMap<PvarValue>(MOST_ENTRIES));
    return after;
  },
};

function cacheOf(run: MessageRun, id: string): ExpiringMap<PvarValue> | undefined {
  return run.env.modules.of(cacheStore).get(id);
}

function addTo(sign: 1 | -1): FunctionSpec['compile'] {
  return ([id, key, value, expires, result]) =>
    (run) => {
      const cache = cacheOf(run, textOf(id, run));
      const name = textOf(key, run);
      if (cache === undefined) return -1;
      const now = run.env.clock.monotonic();
      const sum = (Number(cache.get(name, now) ?? 0) + sign * intOf(value, run, 0)) | 0;
      const seconds = intOf(expires, run, 0);
      cache.set(name, sum, seconds > 0 ? now + seconds * 1000 : undefined);
      result?.variable?.assign(run.pvars, sum);
      return 1;
    };
}

const cachedb: FunctionSpec[] = [
  {
    name: 'cache_store',
    dialects: OPENSIPS,
    parameters: [
      param('store', 'string'),
      param('key', 'string'),
      param('value', 'string'),
      optional('seconds', 'int'),
    ],
    summary: 'keeps a value',
    compile:
      ([id, key, value, seconds]) =>
      (run) => {
        const cache = cacheOf(run, textOf(id, run));
        if (cache === undefined) return -1;
        const time = intOf(seconds, run, 0);
        const expires = time > 0 ? run.env.clock.monotonic() + time * 1000 : undefined;
        return code(cache.set(textOf(key, run), textOf(value, run), expires));
      },
  },
  {
    name: 'cache_fetch',
    dialects: OPENSIPS,
    parameters: [param('store', 'string'), param('key', 'string'), param('result', 'writable')],
    summary: 'reads a value',
    compile:
      ([id, key, result]) =>
      (run) => {
        const value = cacheOf(run, textOf(id, run))?.get(textOf(key, run), run.env.clock.monotonic());
        if (value === undefined) return -2;
        result?.variable?.assign(run.pvars, value === null ? null : String(value));
        return 1;
      },
  },
  {
    name: 'cache_counter_fetch',
    dialects: OPENSIPS,
    parameters: [param('store', 'string'), param('key', 'string'), param('result', 'writable')],
    summary: 'reads a number',
    compile:
      ([id, key, result]) =>
      (run) => {
        const value = cacheOf(run, textOf(id, run))?.get(textOf(key, run), run.env.clock.monotonic());
        if (value === undefined) return -2;
        result?.variable?.assign(run.pvars, Number(value));
        return 1;
      },
  },
  {
    name: 'cache_remove',
    dialects: OPENSIPS,
    parameters: [param('store', 'string'), param('key', 'string')],
    summary: 'forgets a value',
    compile:
      ([id, key]) =>
      (run) => {
        const cache = cacheOf(run, textOf(id, run));
        cache?.delete(textOf(key, run));
        return code(cache !== undefined);
      },
  },
  ...(
    [
      ['cache_add', 1],
      ['cache_sub', -1],
    ] as const
  ).map(
    ([name, sign]): FunctionSpec => ({
      name,
      dialects: OPENSIPS,
      parameters: [
        param('store', 'string'),
        param('key', 'string'),
        param('number', 'int'),
        param('seconds', 'int'),
        optional('result', 'writable'),
      ],
      summary: sign === 1 ? 'adds to a number' : 'takes from a number',
      compile: addTo(sign),
    }),
  ),
];

/** One hash table. */
export interface HashTable {
  readonly entries: ExpiringMap<PvarValue>;
  readonly initial: PvarValue;
  /** Milliseconds; 0 for ever. */
  readonly autoexpire: number;
  readonly updateExpire: boolean;
}

/** htable: "name=>size=4;autoexpire=60;initval=0;". */
export const hashTables = {
  module: 'htable',
  create(parameters: ModuleParameters): Map<string, HashTable> {
    const tables = new Map<string, HashTable>();
    for (const each of parameters.all('htable')) {
      const [name = '', rest = ''] = String(each).split('=>');
      const options = new Map(
        rest
          .split(';')
          .filter((one) => one.includes('='))
          .map((one) => [one.slice(0, one.indexOf('=')).trim(), one.slice(one.indexOf('=') + 1).trim()]),
      );
      const initial = options.get('initval');
      tables.set(name.trim(), {
        entries: new ExpiringMap<PvarValue>(MOST_ENTRIES),
        initial: initial === undefined ? null : Number(initial),
        autoexpire: Number(options.get('autoexpire') ?? 0) * 1000,
        updateExpire: options.get('updateexpire') !== '0',
      });
    }
    return tables;
  },
  renew(before: Map<string, HashTable>, parameters: ModuleParameters): Map<string, HashTable> {
    const after = this.create(parameters);
    for (const [name, table] of after) {
      const { entries } = before.get(name) ?? table;
      after.set(name, { ...table, entries });
    }
    return after;
  },
};

function tableOf(env: ScriptEnvironment, name: string): HashTable | undefined {
  return env.modules.of(hashTables).get(name);
}

/** Sets an entry; null takes it out. */
export function setIn(env: ScriptEnvironment, table: HashTable, key: string, value: PvarValue): void {
  const now = env.clock.monotonic();
  const kept = table.updateExpire ? undefined : table.entries.expiresAt(key, now);
  const expires = table.autoexpire > 0 ? (kept ?? now + table.autoexpire) : undefined;
  if (value === null) table.entries.delete(key);
  else table.entries.set(key, value, expires);
}

const scopeOf = (context: PvarContext): CfgScope => context as CfgScope;

/** "table=>key". */
function tableKey(text: string): readonly [table: string, key: string] {
  const at = text.indexOf('=>');
  return at < 0 ? [text.trim(), ''] : [text.slice(0, at).trim(), text.slice(at + 2)];
}

function sht(
  read: (env: ScriptEnvironment, table: HashTable, key: string) => PvarValue,
  write?: (env: ScriptEnvironment, table: HashTable, key: string, value: PvarValue) => void,
): VariableDefinition {
  return {
    argument: 'required',
    indexed: false,
    compile: (argument) => {
      const text = (context: PvarContext): string => argument?.constant ?? argument?.read(context) ?? '';
      return {
        get: (context) => {
          const { env } = scopeOf(context);
          const [name, key] = tableKey(text(context));
          const table = tableOf(env, name);
          return table === undefined ? null : read(env, table, key);
        },
        ...(write !== undefined
          ? {
              set: (context: PvarContext, value: PvarValue) => {
                const { env } = scopeOf(context);
                const [name, key] = tableKey(text(context));
                const table = tableOf(env, name);
                if (table !== undefined) write(env, table, key, value);
              },
            }
          : {}),
      };
    },
  };
}

/** $sht(table=>key) and the like. */
export const hashTableVariables: readonly [string, VariableDefinition][] = [
  ['sht', sht((env, table, key) => table.entries.get(key, env.clock.monotonic()) ?? table.initial, setIn)],
  ['shtex', sht(secondsLeft, setSecondsLeft)],
  ['shtcn', sht((env, table, pattern) => countMatching(env, table, (key) => operatorTest(pattern)(key)))],
  [
    'shtcv',
    sht((env, table, pattern) => countMatching(env, table, (_key, value) => operatorTest(pattern)(String(value)))),
  ],
  ['shtinc', sht((env, table, key) => step(env, table, key, 1))],
  ['shtdec', sht((env, table, key) => step(env, table, key, -1))],
];

/** Seconds until an entry expires; 0 when it does not, or is not there. */
function secondsLeft(env: ScriptEnvironment, table: HashTable, key: string): number {
  const at = table.entries.expiresAt(key, env.clock.monotonic());
  return at === undefined ? 0 : Math.max(0, Math.round((at - env.clock.monotonic()) / 1000));
}

/**
 * Lets an entry that is there expire in so many seconds; with 0 or what is no number it stays for good. Without effect in
 * a table without autoexpire. As observed of Kamailio 5.6.3.
 */
function setSecondsLeft(env: ScriptEnvironment, table: HashTable, key: string, seconds: PvarValue): void {
  const now = env.clock.monotonic();
  const value = table.entries.get(key, now);
  if (value === undefined || table.autoexpire === 0) return;
  const stays = typeof seconds !== 'number' || seconds <= 0;
  table.entries.set(key, value, stays ? undefined : now + seconds * 1000);
}

function step(env: ScriptEnvironment, table: HashTable, key: string, by: number): PvarValue {
  const now = table.entries.get(key, env.clock.monotonic()) ?? table.initial;
  if (typeof now !== 'number') return null;
  setIn(env, table, key, now + by);
  return now + by;
}

function countMatching(
  env: ScriptEnvironment,
  table: HashTable,
  test: (key: string, value: PvarValue) => boolean,
): number {
  let count = 0;
  for (const [key, value] of table.entries.entries(env.clock.monotonic())) if (test(key, value)) count++;
  return count;
}

/** "~~regex", "~%start", "%~end" and plain text, as $shtcn and $shtcv take them. */
function operatorTest(pattern: string): (text: string) => boolean {
  if (pattern.startsWith('~~')) {
    const regex = compilePosix(pattern.slice(2));
    return (text) => regex.test(text);
  }
  if (pattern.startsWith('~%')) return (text) => text.startsWith(pattern.slice(2));
  if (pattern.startsWith('%~')) return (text) => text.endsWith(pattern.slice(2));
  return (text) => text === pattern.replace(/^(?:==|eq)/, '');
}

function matcher(op: string, wanted: string): (text: string) => boolean {
  switch (op) {
    case 'eq':
      return (text) => text === wanted;
    case 'ne':
      return (text) => text !== wanted;
    case 're': {
      const regex = compilePosix(wanted);
      return (text) => regex.test(text);
    }
    case 'sw':
      return (text) => text.startsWith(wanted);
    default:
      return () => false;
  }
}

/** sht_rm_name(table, op, text), sht_has_str_value(...), and so on. */
function tableFunction(name: string, on: 'name' | 'value', act: 'remove' | 'test'): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    parameters: [param('table', 'string'), param('operator', 'string'), param('text', 'string')],
    summary: act === 'remove' ? 'takes entries out of a table' : 'whether a table has such an entry',
    compile:
      ([table, op, text]) =>
      (run) => {
        const found = tableOf(run.env, textOf(table, run));
        if (found === undefined) return -1;
        const test = matcher(textOf(op, run), textOf(text, run));
        const now = run.env.clock.monotonic();
        const keys = [...found.entries.entries(now)]
          .filter(([key, value]) => test(on === 'name' ? key : String(value)))
          .map(([key]) => key);
        if (act === 'test') return code(keys.length > 0);
        for (const key of keys) found.entries.delete(key);
        return 1;
      },
  };
}

/** A walk over a table: its entries as they were when it began. */
interface TableWalk {
  readonly table: HashTable;
  readonly keys: readonly string[];
  at: number;
}

const tableWalks = {
  module: 'htable',
  create: () => new Map<string, TableWalk>(),
  renew: (before: Map<string, TableWalk>) => before,
};

/** Walks there may be at once, and entries one looks at. */
const MOST_WALKS = 64;
const MOST_WALKED = 100_000;

function walkOf(env: ScriptEnvironment, name: string): TableWalk | undefined {
  return env.modules.of(tableWalks).get(name);
}

function iterators(): FunctionSpec[] {
  const onEntry = (
    name: string,
    parameters: FunctionSpec['parameters'] & object,
    act: (env: ScriptEnvironment, table: HashTable, key: string, text: string) => void,
  ): FunctionSpec => ({
    name: `sht_iterator_${name}`,
    dialects: KAMAILIO,
    parameters: [param('walk', 'string'), ...parameters],
    summary: 'changes the entry a walk stands at',
    compile:
      ([walk, text]) =>
      (run) => {
        const found = walkOf(run.env, textOf(walk, run));
        const key = found?.keys[found.at];
        if (found === undefined || key === undefined) return -1;
        act(run.env, found.table, key, text === undefined ? '' : textOf(text, run));
        return 1;
      },
  });
  const value = [param('value', 'string')];
  return [
    {
      name: 'sht_iterator_start',
      dialects: KAMAILIO,
      parameters: [param('walk', 'string'), param('table', 'string')],
      summary: 'begins a walk over a table',
      compile:
        ([walk, table]) =>
        (run) => {
          const found = tableOf(run.env, textOf(table, run));
          const all = run.env.modules.of(tableWalks);
          const name = textOf(walk, run);
          if (found === undefined || (all.size >= MOST_WALKS && !all.has(name))) return -1;
          const keys: string[] = [];
          for (const [key] of found.entries.entries(run.env.clock.monotonic()))
            if (keys.push(key) >= MOST_WALKED) break;
          all.set(name, { table: found, keys, at: -1 });
          return 1;
        },
    },
    {
      name: 'sht_iterator_next',
      dialects: KAMAILIO,
      parameters: [param('walk', 'string')],
      summary: 'goes on; false at the end',
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
      summary: 'ends a walk',
      compile:
        ([walk]) =>
        (run) => {
          run.env.modules.of(tableWalks).delete(textOf(walk, run));
          return 1;
        },
    },
    onEntry('rm', [], (_env, table, key) => table.entries.delete(key)),
    onEntry('sets', value, (env, table, key, text) => setIn(env, table, key, text)),
    onEntry('seti', value, (env, table, key, text) => setIn(env, table, key, Number.parseInt(text, 10) || 0)),
    onEntry('setex', value, (env, table, key, text) => {
      const now = env.clock.monotonic();
      const seconds = Number.parseInt(text, 10) || 0;
      const current = table.entries.get(key, now);
      if (current !== undefined) table.entries.set(key, current, seconds > 0 ? now + seconds * 1000 : undefined);
    }),
  ];
}

/** $shtitkey(walk) and $shtitval(walk). */
function walked(read: (walk: TableWalk, key: string, now: number) => PvarValue): VariableDefinition {
  return {
    argument: 'required',
    indexed: false,
    compile: (argument) => ({
      get: (context) => {
        const { env } = scopeOf(context);
        const walk = walkOf(env, argument?.constant ?? argument?.read(context) ?? '');
        const key = walk?.keys[walk.at];
        return walk === undefined || key === undefined ? null : read(walk, key, env.clock.monotonic());
      },
    }),
  };
}

export const tableWalkVariables: readonly [string, VariableDefinition][] = [
  ['shtitkey', walked((_walk, key) => key)],
  ['shtitval', walked(({ table }, key, now) => table.entries.get(key, now) ?? null)],
];

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
      summary: 'nothing runs beside a script here',
      compile: () => () => 1,
    }),
  ),
  {
    name: 'sht_rm',
    dialects: KAMAILIO,
    parameters: [param('table', 'string'), param('key', 'string')],
    summary: 'takes an entry out of a table',
    compile:
      ([table, key]) =>
      (run) => {
        tableOf(run.env, textOf(table, run))?.entries.delete(textOf(key, run));
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
          const at = seconds > 0 ? run.env.clock.monotonic() + seconds * 1000 : undefined;
          found.entries.set(textOf(key, run), name === 'sht_setxi' ? Number.parseInt(text, 10) || 0 : text, at);
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
      summary: 'takes the entries out that match',
      compile:
        ([text]) =>
        (run) => {
          const [table, pattern] = tableKey(textOf(text, run));
          const found = tableOf(run.env, table);
          if (found === undefined) return -1;
          const regex = compilePosix(pattern);
          for (const [key, value] of [...found.entries.entries(run.env.clock.monotonic())]) {
            if (regex.test(name.includes('name') ? key : String(value))) found.entries.delete(key);
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

/** Flags of the process (gflags). */
export const globalFlags = {
  module: 'gflags',
  create: (parameters: ModuleParameters) => ({ mask: parameters.int('initial', 0) }),
  renew: (before: { mask: number }) => before,
};

const gflags: FunctionSpec[] = (['set', 'reset', 'is'] as const).map((act) => ({
  name: `${act}_gflag`,
  parameters: [param('flag', 'int')],
  summary: act === 'is' ? 'whether a flag of the process is set' : `${act}s a flag of the process`,
  compile:
    ([flag]) =>
    (run) => {
      const state = run.env.modules.of(globalFlags);
      const bit = 1 << ((flag as Arg).int(run) ?? 0);
      if (act === 'set') state.mask |= bit;
      else if (act === 'reset') state.mask &= ~bit;
      return act === 'is' ? code((state.mask & bit) !== 0) : 1;
    },
}));

export const storeFunctions: ScriptFunction[] = [
  ...moduleFunctions('core|cachedb_local', cachedb),
  ...moduleFunctions('htable', htable),
  ...moduleFunctions('gflags', gflags),
];
