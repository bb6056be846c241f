import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { ClusterRows, inZone, withoutZone } from '../../../src/cluster/rows.js';
import { Engine } from '../../../src/engine/engine.js';
import { destinationsOf } from '../../../src/engine/set.js';
import { FakeClock } from '../../support/fake-clock.js';
import { partitionOptions, rows, seededRandom } from '../../support/partitions.js';

function partitionOf(size: number) {
  const engine = new Engine({ clock: new FakeClock(), random: seededRandom(1) });
  const partition = engine.addPartition(partitionOptions({}));
  partition.load(rows(size), { inheritState: true });
  return partition;
}

test('a large partition is indexed in slices of some hundred, sorting and hashing too', async () => {
  const partition = partitionOf(6000);
  const indexed = new ClusterRows();
  let pauses = 0;
  assert.equal(
    await indexed.index(partition, () => {
      pauses++;
      return Promise.resolve();
    }),
    true,
  );
  // Keys, sorted runs and the hash are computed in slices of 500.
  assert.ok(pauses >= 3 * 12, `${pauses} pauses`);
  assert.equal(indexed.of(partition.name).size, 6000);
});

test('the hash of rows is that of their sorted keys, whichever zone a node is in', async () => {
  for (const size of [0, 1, 499, 500, 1501]) {
    const partition = partitionOf(size);
    const plain = new ClusterRows();
    plain.indexNow(partition);
    const zoned = new ClusterRows(() => 'fra 1');
    zoned.indexNow(partition);
    const hash = createHash('sha256');
    for (const key of [...plain.of(partition.name).keys()].sort()) hash.update(key);
    assert.equal(plain.hashOf(partition.name), hash.digest('hex').slice(0, 12));
    assert.equal(zoned.hashOf(partition.name), plain.hashOf(partition.name));
  }
});

test('a destination is found by its key, in its zone', () => {
  const partition = partitionOf(3);
  const indexed = new ClusterRows(() => 'ams-1');
  indexed.indexNow(partition);
  for (const destination of destinationsOf(partition.snapshot)) {
    const key = indexed.keyOf(destination);
    assert.equal(indexed.find(key), destination);
    const base = withoutZone(key);
    assert.match(base, /^d\.[^.]+\.[0-9]+\.[0-9a-f]{16}$/);
    assert.equal(inZone(base, 'ams-1'), key);
    assert.equal(indexed.find(base), undefined);
    assert.deepEqual(
      [base, inZone(base, 'other')].map((each) => indexed.holds(each)),
      [true, true],
    );
  }
  assert.equal(indexed.holds('d.default.1.0123456789abcdef'), false);
});
