import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedValues } from '../../../src/core/shared-values.js';
import { hashRows } from '../../../src/daemon/hash-rows.js';
import { fillHashTables, refillHashTable } from '../../../src/modules/htable/database.js';
import { hashTables } from '../../../src/modules/htable/tables.js';
import { ModuleStates, type ScriptEnvironment } from '../../../src/script/environment.js';
import type { HashRow } from '../../../src/script/tables.js';

const row = (key: string, value: string, expires = 0): HashRow => ({ key, value, expires });

/** State of a process for a file with the table "a"; `hashes` are the rows of the database. */
function processWith(memory: SharedArrayBuffer, hashes: ReadonlyMap<string, readonly HashRow[]>): ScriptEnvironment {
  const shared = new SharedValues(memory, () => 0);
  const parameters = new Map([['htable', new Map([['htable', ['a=>size=4;dbtable=t;autoexpire=60;']]])]]);
  const modules = new ModuleStates(parameters, new Set(['htable']), new Map(), undefined, new Map(), shared);
  return { modules, tables: { hashes }, clock: { monotonic: () => 0, now: () => 100_000 } } as never;
}

function entriesOf(env: ScriptEnvironment): (readonly [string, unknown])[] {
  return [...(env.modules.of(hashTables).get('a')?.entries.entries(0) ?? [])];
}

test('a hash table that is read again has the entries of its rows in their order, without expired ones', () => {
  const hashes = new Map([['a', [row('x', '1'), row('y', '2'), row('z', '3')]]]);
  const env = processWith(new SharedArrayBuffer(1024 * 1024), hashes);
  fillHashTables(env);
  hashes.set('a', [row('z', '4'), row('x', '5'), row('y', '6', 99), row('x', '7')]);
  fillHashTables(env);
  assert.deepEqual(entriesOf(env).flat(), ['x', '1', 'y', '2', 'z', '3'], 'rows are read once');
  assert.equal(refillHashTable(env, 'a'), true);
  fillHashTables(env);
  assert.deepEqual(entriesOf(env).flat(), ['z', '4', 'x', '7']);
});

test('while a hash table is read again other processes find all its entries', () => {
  const memory = new SharedArrayBuffer(1024 * 1024);
  const hashes = new Map<string, readonly HashRow[]>([['a', [row('x', '1'), row('y', '2'), row('old', '3')]]]);
  const [main, worker] = [processWith(memory, hashes), processWith(memory, hashes)];
  fillHashTables(main);
  const seen: unknown[] = [];
  const rows = {
    *[Symbol.iterator]() {
      for (const each of [row('x', '8'), row('y', '9')]) {
        seen.push(Object.fromEntries(entriesOf(worker)));
        yield each;
      }
    },
  };
  hashes.set('a', rows as unknown as readonly HashRow[]);
  refillHashTable(main, 'a');
  fillHashTables(main);
  assert.deepEqual(seen, [
    { x: '1', y: '2', old: '3' },
    { x: '8', y: '2', old: '3' },
  ]);
  assert.deepEqual(Object.fromEntries(entriesOf(worker)), { x: '8', y: '9' });
});

test('the values of several columns are joined, with a configured text for a missing one', () => {
  const rows = [
    { k: '49', price: 5, block: 'a' },
    { k: '4930', price: 4, block: null },
  ];
  const source = { name: 'a', table: 't', columns: ['k', 'price', 'block'] };
  const joined = (delimiter: string, nothing: string): unknown =>
    hashRows(rows, { ...source, delimiter, nothing }, { modules: new Map() } as never, assert.fail).map(
      ({ key, value }) => `${key}=${value}`,
    );
  assert.deepEqual(joined(',', '*'), ['49=5,a', '4930=4,*']);
  assert.deepEqual(joined(':', 'none'), ['49=5:a', '4930=4:none']);
});
