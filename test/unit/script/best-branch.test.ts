import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestBranch } from '../../../src/script/best-branch.js';
import type { TxBranch } from '../../../src/script/branch.js';

const branches = (...statuses: readonly number[]): TxBranch[] =>
  statuses.map((status) => ({ status, dropped: false, pending: false }) as unknown as TxBranch);

test('the best of several final replies is chosen as in RFC 3261 section 16.7; only in opensips.cfg a 503 comes after the others of its class', () => {
  const cases: readonly (readonly [statuses: readonly number[], kamailio: number, opensips: number])[] = [
    [[404, 407], 407, 404],
    [[484, 400], 484, 400],
    [[408, 415], 415, 408],
    [[407, 401], 401, 401],
    [[401, 302], 302, 302],
    [[503, 504], 503, 504],
    [[500, 503], 500, 500],
    [[401, 603, 600], 600, 600],
  ];
  for (const [statuses, kamailio, opensips] of cases) {
    assert.equal(bestBranch(branches(...statuses), 'kamailio')?.status, kamailio, `kamailio: ${statuses}`);
    assert.equal(bestBranch(branches(...statuses), 'opensips')?.status, opensips, `opensips: ${statuses}`);
  }
});

test('the 477 of a branch that could not be sent comes after any reply in kamailio.cfg; a 477 of a peer does not', () => {
  const unsent = { status: 477, local: true, dropped: false, pending: false } as unknown as TxBranch;
  for (const status of [486, 503]) {
    assert.equal(bestBranch([unsent, ...branches(status)], 'kamailio')?.status, status);
    assert.equal(bestBranch([...branches(status), unsent], 'kamailio')?.status, status);
  }
  assert.equal(bestBranch([unsent], 'kamailio')?.status, 477);
  assert.equal(bestBranch([unsent, unsent], 'kamailio')?.status, 477);
  assert.equal(bestBranch(branches(486, 477), 'kamailio')?.status, 477);
});
