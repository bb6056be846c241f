import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheStore } from '../../../src/modules/cachedb.js';
import { copiedEntries } from '../../../src/modules/copied-entries.js';
import { globalFlags } from '../../../src/modules/global-flags.js';
import { hashTables } from '../../../src/modules/htable/tables.js';
import { pikeState } from '../../../src/modules/pike.js';
import { rateState } from '../../../src/modules/rate-limit.js';
import { type ModuleState, ModuleStates } from '../../../src/script/environment.js';

const PARAMETERS = new Map<string, readonly string[]>([
  ['htable', ['a=>size=4;']],
  ['cachedb_url', ['local:a:///a']],
  ['pipe', ['1:TAILDROP:3']],
]);

/** Changes a state and returns its content. */
const CASES: readonly {
  name: string;
  key: ModuleState<never>;
  change(state: never): void;
  read(state: never): unknown;
}[] = [
  {
    name: 'htable',
    key: hashTables as unknown as ModuleState<never>,
    change: (state: ReturnType<typeof hashTables.create>) =>
      state.get('a')?.entries.set('k', `${state.get('a')?.entries.get('k', 0) ?? ''}x`, undefined),
    read: (state: ReturnType<typeof hashTables.create>) => state.get('a')?.entries.get('k', 0),
  },
  {
    name: 'cachedb_local',
    key: cacheStore as unknown as ModuleState<never>,
    change: (state: ReturnType<typeof cacheStore.create>) =>
      state.get('local')?.set('k', `${state.get('local')?.get('k', 0) ?? ''}x`, undefined),
    read: (state: ReturnType<typeof cacheStore.create>) => state.get('local')?.get('k', 0),
  },
  {
    name: 'pike',
    key: pikeState as unknown as ModuleState<never>,
    change(state: ReturnType<typeof pikeState.create>) {
      const top = state.tree.root.get(10) ?? { hits: 0, before: 0, unit: 0, touched: 0 };
      top.hits++;
      state.tree.root.set(10, top);
    },
    read: (state: ReturnType<typeof pikeState.create>) => state.tree.root.get(10)?.hits,
  },
  {
    name: 'ratelimit',
    key: rateState as unknown as ModuleState<never>,
    change(state: ReturnType<typeof rateState.create>) {
      for (const [, pipe] of state.pipes) pipe.count++;
    },
    read: (state: ReturnType<typeof rateState.create>) => [...state.pipes].map(([, { count }]) => count),
  },
  {
    name: 'gflags',
    key: globalFlags as unknown as ModuleState<never>,
    change(state: { mask: number }) {
      state.mask += 2;
    },
    read: (state: { mask: number }) => state.mask,
  },
] as never;

for (const { name, key, change, read } of CASES) {
  test(`${name}: a copy has the same entries, and changes affect the copy only`, () => {
    const modules = new Map([[key.module, PARAMETERS]]);
    const states = new ModuleStates(modules, new Set());
    const state = states.of(key);
    change(state);
    const before = JSON.stringify(read(state));
    const copy = (key as unknown as Required<ModuleState<unknown>>).copy(state) as never;
    assert.equal(JSON.stringify(read(copy)), before);
    const used = new ModuleStates(modules, new Set(), new Map(), undefined, new Map([[key, copy]])).of(key);
    change(used);
    change(used);
    assert.equal(JSON.stringify(read(state)), before);
    assert.notEqual(JSON.stringify(read(used)), before);
  });
}

test('more entries than can be copied at once are refused', () => {
  const entries = new Map(Array.from({ length: 50_001 }, (_, i) => [String(i), {}]));
  assert.throws(() => copiedEntries(entries), { code: 'USAGE', message: /50001 entries/ });
});
