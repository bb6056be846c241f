import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deadRows, FaultBench, tableStates } from '../support/faults/bench.js';

describe('what an operator changed', () => {
  test('is in the table before the command is answered, not only after the flush interval', async (t) => {
    const bench = new FaultBench(t);
    const rows = deadRows(3);
    const dbUrl = await bench.sqlite(rows);
    const running = await bench.daemon({ settings: { modparam: { db_url: dbUrl, ds_flush_interval: 3600 } } });
    const uri = rows[1]?.uri as string;
    assert.equal(await running.mi('ds_set_state', { state: 'i', group: '1', address: uri }), 'OK');
    assert.equal((await tableStates(dbUrl)).get(`1 ${uri}`), 'inactive');
  });
});
