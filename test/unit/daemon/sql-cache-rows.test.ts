import assert from 'node:assert/strict';
import { test } from 'node:test';
import { every, sqlCacheOf } from '../../../src/daemon/sql-cache-rows.js';
import { FakeClock } from '../../support/fake-clock.js';

test('rows are kept by key, the last one of each; values are numbers, text or null', () => {
  const definition = { id: 'a', url: '', table: 't', key: 'k', seconds: 1 };
  const rows = [
    { k: 1, x: 1.5, y: null },
    { k: null, x: 2, y: 2 },
    { k: 'b', x: 3, y: true },
    { k: 1, x: 4, y: 'z' },
  ];
  const { columns, rows: kept } = sqlCacheOf(rows, { ...definition, columns: ['y', 'x'] });
  assert.deepEqual([...columns.keys()], ['y', 'x']);
  assert.deepEqual(
    [...kept],
    [
      ['1', ['z', 4]],
      ['b', [1, 3]],
    ],
  );
  assert.deepEqual(sqlCacheOf(rows.slice(0, 1), { ...definition, columns: [] }).rows.get('1'), [1, '1.5', null]);
});

test('an action is repeated after the one before has ended, until it is stopped', async () => {
  const clock = new FakeClock();
  let runs = 0;
  const stop = every(clock, 10, () => Promise.resolve(++runs));
  for (let i = 0; i < 3; i++) {
    clock.advance(10_000);
    for (let j = 0; j < 5; j++) await Promise.resolve();
  }
  stop();
  clock.advance(60_000);
  assert.equal(runs, 3);
  assert.doesNotThrow(every(clock, undefined, () => Promise.reject(new Error('never'))));
});
