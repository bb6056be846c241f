import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseRoutes } from '../../../../src/engine/kamailio/select-routes.js';
import { KamailioBench } from '../../../support/kamailio.js';
import { request, row } from '../../../support/partitions.js';

/** Rows in the order of the list file: set, host, duid. */
const ROWS: readonly (readonly [set: number, host: string, duid?: string])[] = [
  [6, '6.1'],
  [6, '6.2'],
  [6, '6.3'],
  [3, '3.1'],
  [3, '3.2'],
  [9, '9.1', 'a'],
  [9, '9.2'],
  [9, '9.3', 'c'],
  [10, '10.1', 'a'],
  [10, '10.2', 'b'],
];

type Step = readonly [rules: string, list: string, limit?: number];

/** Targets of consecutive calls as listed by Kamailio 5.6.3, without and with use_default. */
const RECORDED: Readonly<Record<'0' | '1', readonly Step[]>> = {
  0: [
    ['6=13;3=8;9=10', '6.3,6.2,6.1,3.2,3.1,9.3'],
    ['6=13;3=8', '6.2,6.1,6.3,3.2,3.1'],
    ['3=8;6=13', '3.2,3.1,6.1,6.3,6.2'],
    ['9=10', '9.2,9.1,9.3'],
    ['3=8;9=10', '3.2,3.1,9.2,9.1,9.3'],
    ['10=10;9=10', '10.2,10.1,9.2,9.1,9.3'],
    ['6=13;6=13', '6.3,6.2,6.1,6.2,6.1,6.3'],
    ['3=8;6=13', '3.2,3.1,6.1', 3],
  ],
  1: [
    ['6=13;3=8;9=10', '6.3,6.2,6.3,6.1,3.2,3.1,9.3'],
    ['6=13;3=8', '6.2,6.3,6.2,6.1,3.2,3.1'],
    ['3=8;6=13', '3.2,3.1,6.2,6.3,6.1'],
    ['9=10', '9.2,9.3,9.1'],
    ['3=8;9=10', '3.2,3.1,9.2,9.3,9.1'],
    ['10=10;9=10', '10.2,10.1,9.2,9.3,9.1'],
    ['6=13;6=13', '6.3,6.2,6.3,6.1,6.2,6.3,6.2,6.1'],
    ['3=8;6=13', '3.2,3.1,6.2', 3],
  ],
};

const uri = (host: string) => `sip:127.0.${host}:7000`;

function bench(useDefault: boolean): (...step: Step) => string {
  const rows = ROWS.map(([setId, host, duid]) =>
    row(uri(host), { setId, attrs: duid === undefined ? '' : `duid=${duid}`, flags: 0 }),
  );
  const made = new KamailioBench(rows, { compat: 'strict', options: { useDefault, hashSize: 8 } });
  let calls = 0;
  return (rules, _list, limit = 0) => {
    const context = made.engine.context();
    const asked = request({ callId: `c${calls++}`, method: 'INVITE' });
    context.selectRoutes(made.partition, parseRoutes(rules, 0, limit), asked);
    const listed = context.of(made.partition)?.listed() ?? [];
    return listed.map((each) => each.row.uri.replace(/^sip:127\.0\.|:7000$/g, '')).join(',');
  };
}

describe('ds_select_routes in a strict partition, call after call as recorded from 5.6.3', () => {
  for (const [useDefault, steps] of Object.entries(RECORDED)) {
    test(`use_default ${useDefault}: groups by latency and by call load give the recorded lists`, () => {
      const select = bench(useDefault === '1');
      assert.deepEqual(
        steps.map((step) => select(...step)),
        steps.map(([, list]) => list),
      );
    });
  }

  test('a row without duid fails its group; earlier groups stay in the list', () => {
    assert.equal(bench(false)('9=10;3=8', ''), '9.3,3.2,3.1');
    assert.equal(bench(false)('3=8;9=10;3=8', ''), '3.2,3.1,9.3,3.2,3.1');
    assert.equal(bench(false)('3=8;9=10', '', 3), '3.2,3.1,9.3');
  });
});
