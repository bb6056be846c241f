import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadedCfg } from '../../../src/cfg-file/load.js';
import { fraudProfiles } from '../../../src/daemon/fraud-rows.js';

test('the first rows that are malformed are named, the others counted; other work goes on meanwhile', async () => {
  const cfg = { modules: new Map() } as unknown as LoadedCfg;
  const rows = Array.from({ length: 5000 }, (_, i) => ({ ruleid: i, profileid: 1, prefix: '1'.repeat(i + 65) }));
  const reported: [string, string][] = [];
  let iterations = 0;
  const counted = (): void => {
    iterations++;
    next = setImmediate(counted);
  };
  let next = setImmediate(counted);
  const profiles = await fraudProfiles(rows, cfg, (row, reason) => void reported.push([row, reason]));
  clearImmediate(next);
  assert.ok(iterations >= 2, 'once for each 2,000 rows');
  assert.equal(profiles.size, 0);
  assert.equal(reported.length, 21);
  assert.deepEqual(reported[0], ['0', 'the prefix is too long']);
  assert.deepEqual(reported.at(-1), ['', '4980 further rows are left out']);
});
