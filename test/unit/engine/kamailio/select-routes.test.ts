import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { FLAG } from '../../../../src/engine/algorithms/algorithm.js';
import { parseRoutes, routesMode } from '../../../../src/engine/kamailio/select-routes.js';
import type { Compat } from '../../../../src/engine/options.js';
import { KamailioBench } from '../../../support/kamailio.js';
import { request, row } from '../../../support/partitions.js';

/** Three groups of two as in the recordings: port 85<group><n>. */
const ROWS = ['1', '2', '3'].flatMap((group) =>
  ['1', '2'].map((n) =>
    row(`sip:127.0.0.35:85${group}${n}`, { setId: Number(group), attrs: `duid=d${group}${n}`, flags: 0 }),
  ),
);

/** The ports tried when every destination fails: the first one, then the result of each ds_next_dst. */
function attempts(bench: KamailioBench, rules: string, limit: number): string[] | undefined {
  const context = bench.engine.context();
  const routes = parseRoutes(rules, FLAG.failover, limit);
  if (context.selectRoutes(bench.partition, routes, request()) !== 'selected') return undefined;
  const ports: string[] = [];
  for (let target = context.current(bench.partition); target !== undefined; target = context.next(bench.partition)) {
    assert.ok(ports.length < 100, 'loops');
    ports.push(String(target.port));
  }
  return ports;
}

const recorded = readFileSync(new URL('../../../conformance/data/kamailio-select-routes.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `') && line.includes('all 503'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map((cells) => ({
    rules: cells[1]?.replaceAll('`', '') ?? '',
    limit: Number(cells[3]),
    ports: cells[5] === '' ? undefined : (cells[5]?.split(' -> ') ?? []),
  }));

describe('ds_select_routes', () => {
  const bench = (compat: Compat) => new KamailioBench(ROWS, { compat });

  test('destinations are tried in the recorded order, and consecutive calls alternate within each group', () => {
    const strict = bench('strict');
    assert.ok(recorded.length >= 17);
    let checked = 0;
    for (const { rules, limit, ports } of recorded) {
      // Parallel forking and the hash of another Call-ID are covered by the recorded selections.
      if (rules.includes('=12') || rules.includes('=0')) continue;
      const one = rules === '2=4;1=4;3=4' ? strict : bench('strict');
      const walked = attempts(one, rules, limit);
      assert.deepEqual(walked, ports, `${rules} limit ${limit}`);
      checked++;
    }
    assert.ok(checked >= 14);
  });

  test('the groups are tried in order, each destination once, and the list ends', () => {
    const own = bench('default');
    const first = ['8522', '8521', '8512', '8511', '8532', '8531'];
    const second = ['8521', '8522', '8511', '8512', '8531', '8532'];
    for (const expected of [first, second, first, second]) {
      assert.deepEqual(attempts(own, '2=4;1=4;3=4', 0), expected);
    }
  });

  test('a group named twice is tried once; a strict partition tries it twice', () => {
    assert.deepEqual(attempts(bench('default'), '2=8;2=8', 0), ['8522', '8521']);
    assert.deepEqual(attempts(bench('strict'), '2=8;2=8', 0), ['8522', '8521', '8522', '8521']);
  });

  test('unknown and inactive groups are skipped', () => {
    const own = bench('default');
    own.down('sip:127.0.0.35:8511', 1);
    own.down('sip:127.0.0.35:8512', 1);
    assert.deepEqual(attempts(own, '9=8;1=8;3=8', 0), ['8532', '8531']);
    assert.equal(attempts(own, '9=8;1=8', 0), undefined);
  });

  test('a destination that becomes inactive during failover is not tried', () => {
    const own = bench('default');
    const context = own.engine.context();
    context.selectRoutes(own.partition, parseRoutes('2=8;1=8', FLAG.failover, 0), request());
    own.down('sip:127.0.0.35:8521', 2);
    assert.equal(context.next(own.partition)?.port, 8512);
  });

  test('rules with a fault select nothing', () => {
    for (const rules of ['2;3=8', '2=8;;3=8', '2=a', 'x=8', '2=8; 3=8', '', '2=8,3=8']) {
      assert.equal(attempts(bench('default'), rules, 0), undefined, rules);
    }
    assert.deepEqual(attempts(bench('default'), '02=08;', 0), ['8522', '8521']);
  });
});

test('the first letter of the mode of ds_select_routes decides', () => {
  assert.deepEqual(['d', 'D', '0', 'dr'].map(routesMode), ['destination', 'destination', 'destination', 'destination']);
  assert.deepEqual(['r', '1', 'x', 'X', '2'].map(routesMode), ['request-uri', 'request-uri', 'list', 'list', 'list']);
  assert.deepEqual(['3', '', 'q'].map(routesMode), [undefined, undefined, undefined]);
});
