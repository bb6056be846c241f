import { nextIteration } from '../core/event-loop.js';
import type { ValueMap } from '../core/value-map.js';
import { ShellPattern } from '../engine/fnmatch.js';
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
import { adderOf, copiedValues, valuesOf } from './expiring-map.js';

/** Maximum number of entries of one store. */
const MAX_ENTRIES = 1_000_000;

/** The collection for URLs that name none. */
const USUAL = 'default';

/** The caches of a cfg file: collections, and the names that URLs give them. */
export class Caches {
  constructor(
    private readonly collections: ReadonlyMap<string, ValueMap<PvarValue>>,
    private readonly names: ReadonlyMap<string, string>,
  ) {}

  /** The collection of a URL: "local", "local:group". */
  get(id: string): ValueMap<PvarValue> | undefined {
    const name = this.names.get(id);
    return name === undefined ? undefined : this.collections.get(name);
  }

  /** The collection with this name. */
  collection(name = USUAL): ValueMap<PvarValue> | undefined {
    return this.collections.get(name);
  }

  /** The same names, with the values of `before` where it has the collection. */
  after(before: Caches): Caches {
    const kept = [...this.collections].map(([name, values]): [string, ValueMap<PvarValue>] => [
      name,
      before.collections.get(name) ?? values,
    ]);
    return new Caches(new Map(kept), this.names);
  }

  /**
   * The same names, with copies of all values. Throws SwitchyardError USAGE for a collection that is too large to copy.
   */
  copy(): Caches {
    const copied = [...this.collections].map(([name, values]): [string, ValueMap<PvarValue>] => [
      name,
      copiedValues(values, MAX_ENTRIES),
    ]);
    return new Caches(new Map(copied), this.names);
  }
}

/** State of cachedb_local: collections by the URLs that name them; several URLs may name one collection. */
export const cacheStore = {
  module: 'cachedb_local',
  create(parameters: ModuleParameters, states: ModuleStates): Caches {
    const names = new Map([['local', USUAL]]);
    for (const url of parameters.all('cachedb_url')) {
      const [, id = 'local', collection = ''] = /^(local(?::[^:/]+)?):(?:\/\/)?\/*([\w.-]*)/.exec(String(url)) ?? [];
      names.set(id, collection === '' ? USUAL : collection);
    }
    const collections = new Set([USUAL, ...names.values()]);
    return new Caches(
      new Map([...collections].map((name) => [name, valuesOf(states, `cachedb ${name}`, MAX_ENTRIES)])),
      names,
    );
  },
  renew(before: Caches, parameters: ModuleParameters, states: ModuleStates): Caches {
    return this.create(parameters, states).after(before);
  },
  copy: (caches: Caches): Caches => caches.copy(),
};

/** Keys compared in one event loop iteration: about a millisecond. */
const KEYS_PER_ITERATION = 5000;

/**
 * Removes the values of a collection whose names match a pattern with "*" and "?", among those that exist when it
 * begins. A large collection, which may have a million values, takes several event loop iterations, so that messages
 * are handled meanwhile.
 */
export function forgetMatching(cache: ValueMap<PvarValue>, glob: string): Promise<void> | undefined {
  const pattern = new ShellPattern(glob);
  // Expired entries are included; removing all of them at once would take time.
  const entries = cache.listed()[Symbol.iterator]();
  let left = cache.size;
  /** Whether there is more to compare. */
  const compareSome = (): boolean => {
    for (let i = 0; i < KEYS_PER_ITERATION; i++, left--) {
      const next = left > 0 ? entries.next() : undefined;
      if (next === undefined || next.done === true) return false;
      if (pattern.matches(next.value[0])) cache.delete(next.value[0]);
    }
    return true;
  };
  return compareSome() ? compareRest(compareSome) : undefined;
}

async function compareRest(compareSome: () => boolean): Promise<void> {
  do await nextIteration();
  while (compareSome());
}

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
        cache.set(name, sum, seconds > 0 ? now + seconds * 1000 : undefined, adderOf(run));
        return sum;
      });
      result?.variable?.assign(run.pvars, sum);
      return 1;
    };
}

/**
 * A function that reads the value of a key; -2 for a missing key, and -1 for an unknown store like other functions of
 * the module.
 */
function fetching(name: string, summary: string, shown: (value: PvarValue) => PvarValue): FunctionSpec {
  return {
    name,
    dialects: OPENSIPS,
    parameters: [param('store', 'string'), param('key', 'string'), param('result', 'writable')],
    summary,
    compile:
      ([id, key, result]) =>
      (run) => {
        const cache = cacheOf(run, textOf(id, run));
        if (cache === undefined) return -1;
        const value = cache.get(textOf(key, run), run.env.clock.monotonic());
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
    summary: 'stores a value',
    compile:
      ([id, key, value, seconds]) =>
      (run) => {
        const cache = cacheOf(run, textOf(id, run));
        if (cache === undefined) return -1;
        const time = intOf(seconds, run, 0);
        const expires = time > 0 ? run.env.clock.monotonic() + time * 1000 : undefined;
        return code(cache.set(textOf(key, run), textOf(value, run), expires, adderOf(run)));
      },
  },
  fetching('cache_fetch', 'reads a value', (value) => (value === null ? null : String(value))),
  fetching('cache_counter_fetch', 'reads a number', Number),
  {
    name: 'cache_remove',
    dialects: OPENSIPS,
    parameters: [param('store', 'string'), param('key', 'string')],
    summary: 'deletes a value',
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
      summary: sign === 1 ? 'adds to a number' : 'subtracts from a number',
      compile: addTo(sign),
    }),
  ),
];

const chunks: FunctionSpec[] = [
  {
    name: 'cache_remove_chunk',
    dialects: OPENSIPS,
    waits: true,
    parameters: [param('collection', 'string'), optional('pattern', 'string')],
    summary:
      'removes the values whose keys match a pattern with "*" and "?"; with one argument those of the collection "default"',
    compile:
      ([first, second]) =>
      (run) => {
        const name = second === undefined || first === undefined ? undefined : textOf(first, run);
        const cache = run.env.modules.of(cacheStore).collection(name);
        if (cache === undefined) return -1;
        return forgetMatching(cache, textOf(second ?? first, run))?.then(() => 1) ?? 1;
      },
  },
];

/** Functions of cachedb_local. */
export const cachedbFunctions: ScriptFunction[] = [
  ...moduleFunctions('core|cachedb_local', cachedb),
  ...moduleFunctions('cachedb_local', chunks),
];
