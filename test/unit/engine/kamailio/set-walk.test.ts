import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Engine } from '../../../../src/engine/engine.js';
import { findFromList } from '../../../../src/engine/kamailio/from-list.js';
import { setWalk } from '../../../../src/engine/kamailio/set-walk.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { partitionOptions, row, seededRandom } from '../../../support/partitions.js';

function loaded(setIds: readonly number[]) {
  const engine = new Engine({ clock: new FakeClock(), random: seededRandom() });
  const partition = engine.addPartition(partitionOptions({ name: 'gw', flavour: 'kamailio' }));
  partition.load(
    setIds.map((setId) => row('sip:192.0.2.1', { setId })),
    { inheritState: true },
  );
  return partition;
}

describe('the order in which all sets are looked through', () => {
  test('is that of a balanced tree made in the order of the rows, as recorded', () => {
    for (const [rows, walk] of [
      [
        [1, 2, 3, 4, 5],
        [1, 3, 5, 4, 2],
      ],
      [
        [6, 13, 16, 7],
        [7, 6, 16, 13],
      ],
      [
        [17, 15, 10, 9, 4],
        [4, 10, 9, 17, 15],
      ],
      [
        [9, 8, 16, 2, 4, 18, 5],
        [2, 5, 8, 4, 18, 16, 9],
      ],
    ] as const) {
      assert.deepEqual([...setWalk(loaded(rows).snapshot).keys()], walk);
    }
  });

  test('decides which set ds_is_from_list() finds', () => {
    const query = { ip: '192.0.2.1', port: 5060, transport: 'udp', socket: '', setId: undefined, mode: 3 } as const;
    assert.equal(findFromList(loaded([6, 13, 16, 7]), query)?.setId, 7);
  });

  test('works for 20,000 sets in ascending order', () => {
    const ids = Array.from({ length: 20_000 }, (_, n) => n + 1);
    assert.equal(setWalk(loaded(ids).snapshot).size, 20_000);
  });
});
