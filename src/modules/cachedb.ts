import type { ValueMap } from '../core/value-map.js';
import type { PvarValue } from '../pvar/context.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters, ModuleStates } from '../script/environment.js';
import {
  code,
  type FunctionSpec,
  intOf,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { copiedValues, valuesOf } from './expiring-map.js';

/** Entries one store may hold. */
const MOST_ENTRIES = 1_000_000;

/** cachedb_local: collections by name, one after the id in cachedb_url. */
export const cacheStore = {
  module: 'cachedb_local',
  create(parameters: ModuleParameters, states: ModuleStates): Map<string, ValueMap<PvarValue>> {
    const urls = parameters.all('cachedb_url').map(String);
    const ids = urls.length === 0 ? ['local'] : urls.map((url) => /^(local(?::[^:/]+)?):/.exec(url)?.[1] ?? 'local');
    return new Map([...new Set([...ids, 'local'])].map((id) => [id, valuesOf(states, `cachedb ${id}`, MOST_ENTRIES)]));
  },
  renew(
    before: Map<string, ValueMap<PvarValue>>,
    parameters: ModuleParameters,
    states: ModuleStates,
  ): Map<string, ValueMap<PvarValue>> {
    const after = this.create(parameters, states);
    for (const id of after.keys()) {
      const known = before.get(id);
      if (known !== undefined) after.set(id, known);
    }
    return after;
  },
  copy(stores: Map<string, ValueMap<PvarValue>>): Map<string, ValueMap<PvarValue>> {
    return new Map([...stores].map(([id, entries]) => [id, copiedValues(entries, MOST_ENTRIES)]));
  },
};

function cacheOf(run: MessageRun, id: string): ValueMap<PvarValue> | undefined {
  return run.env.modules.of(cacheStore).get(id);
}

function addTo(sign: 1 | -1): FunctionSpec['compile'] {
  return ([id, key, value, expires, result]) =>
    (run) => {
      const cache = cacheOf(run, textOf(id, run));
      const name = textOf(key, run);
      if (cache === undefined) return -1;
      const now = run.env.clock.monotonic();
      const seconds = intOf(expires, run, 0);
      const by = sign * intOf(value, run, 0);
      const sum = cache.alone(() => {
        const sum = (Number(cache.get(name, now) ?? 0) + by) | 0;
        cache.set(name, sum, seconds > 0 ? now + seconds * 1000 : undefined);
        return sum;
      });
      result?.variable?.assign(run.pvars, sum);
      return 1;
    };
}

/** Reads what is stored under a key; -2 where nothing is. */
function fetching(name: string, summary: string, shown: (value: PvarValue) => PvarValue): FunctionSpec {
  return {
    name,
    dialects: OPENSIPS,
    parameters: [param('store', 'string'), param('key', 'string'), param('result', 'writable')],
    summary,
    compile:
      ([id, key, result]) =>
      (run) => {
        const value = cacheOf(run, textOf(id, run))?.get(textOf(key, run), run.env.clock.monotonic());
        if (value === undefined) return -2;
        result?.variable?.assign(run.pvars, shown(value));
        return 1;
      },
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
  fetching('cache_fetch', 'reads a value', (value) => (value === null ? null : String(value))),
  fetching('cache_counter_fetch', 'reads a number', Number),
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

/** Functions of cachedb_local. */
export const cachedbFunctions: ScriptFunction[] = moduleFunctions('core|cachedb_local', cachedb);
