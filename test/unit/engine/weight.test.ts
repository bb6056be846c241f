import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { CompiledSet } from '../../../src/engine/compiled-set.js';
import type { Destination, DestinationRow } from '../../../src/engine/destination.js';
import type { Engine } from '../../../src/engine/engine.js';
import type { Partition } from '../../../src/engine/partition.js';
import { weightOf } from '../../../src/engine/weight.js';
import { engineWith, partitionOptions, row } from '../../support/partitions.js';

const INHERIT = { inheritState: true };
const A = 'sip:10.0.0.1';
const B = 'sip:10.0.0.2';
const C = 'sip:10.0.0.3';

function loaded(rows: readonly DestinationRow[], over: Parameters<typeof partitionOptions>[0] = {}) {
  const engine = engineWith([partitionOptions(over)]);
  const partition = engine.partition('') as Partition;
  partition.load(rows, INHERIT);
  return { engine, partition };
}

const find = (partition: Partition, uri: string) => partition.find(1, uri) as Destination;
const setOf = (partition: Partition) => partition.snapshot.sets.get(1) as CompiledSet;

/** How often each position is chosen over all hash values below the sum of the weights. */
function sharesByHash(set: CompiledSet, total: number): number[] {
  const shares = set.destinations.map(() => 0);
  for (let hash = 0; hash < total; hash++) {
    const at = set.byHash(hash, set.destinations.length);
    shares[at] = (shares[at] ?? 0) + 1;
  }
  return shares;
}

function choices(set: CompiledSet, count: number): number[] {
  const shares = set.destinations.map(() => 0);
  for (let i = 0; i < count; i++) {
    const at = set.stepToActive(set.roundRobin(set.destinations.length), set.destinations.length);
    set.last = at;
    set.countChoice(at);
    shares[at] = (shares[at] ?? 0) + 1;
  }
  return shares;
}

describe('weights reported at run time', () => {
  test('change the shares of hashing and of round robin at once', () => {
    const { engine, partition } = loaded([row(A, { weight: 10 }), row(B, { weight: 10 })]);
    const set = setOf(partition);
    assert.deepEqual(sharesByHash(set, 20), [10, 10]);
    assert.equal(engine.setWeight(find(partition, A), 30), true);
    assert.equal(engine.setWeight(find(partition, A), 30), false, 'the same again is no change');
    assert.deepEqual(sharesByHash(set, 40), [30, 10]);
    assert.deepEqual(choices(set, 80), [60, 20]);
    engine.setWeight(find(partition, A), 0);
    assert.deepEqual(sharesByHash(set, 10), [0, 10]);
    engine.setWeight(find(partition, A), undefined);
    assert.deepEqual(sharesByHash(set, 20), [10, 10]);
  });

  test('are the shares of the others when a destination is down, and raise no event', () => {
    const { engine, partition } = loaded([row(A), row(B), row(C)]);
    const set = setOf(partition);
    engine.states.apply({
      destination: find(partition, A),
      kind: 'set',
      to: 'inactive',
      origin: 'mi',
      reason: 'test',
    });
    let events = 0;
    engine.states.onChange(() => events++);
    engine.setWeight(find(partition, B), 5);
    // Three of seven hashes select A, which is down; they are distributed by weight.
    const shares = sharesByHash(set, 7 * 6);
    assert.equal(shares[0], 0);
    assert.deepEqual([shares[1], shares[2]], [35, 7]);
    assert.equal(events, 0);
    assert.deepEqual([find(partition, B).health.dirty, find(partition, B).health.seq], [false, 0]);
  });

  test('are kept over a reload for the same destination, until its row is edited', () => {
    const { engine, partition } = loaded([row(A, { weight: 10 }), row(B, { weight: 10 })]);
    engine.setWeight(find(partition, A), 3);
    partition.load([row(C), row(B, { weight: 10 }), row(A, { weight: 10 })], INHERIT);
    assert.equal(weightOf(find(partition, A)), 3);
    assert.deepEqual(sharesByHash(setOf(partition), 14), [1, 10, 3]);
    partition.load([row(A, { weight: 11 })], { ...INHERIT, dryRun: true });
    assert.equal(weightOf(find(partition, A)), 3, 'a dry run changes nothing');
    partition.load([row(B, { weight: 10 }), row(A, { weight: 20 })], INHERIT);
    assert.equal(weightOf(find(partition, A)), 20);
    assert.deepEqual(sharesByHash(setOf(partition), 30), [10, 20]);
  });

  test('are forgotten when another server is to report them', () => {
    const { engine, partition } = loaded([row(A, { weight: 100, weightFeed: 'fs://:one@127.0.0.1:8021' })]);
    engine.setWeight(find(partition, A), 7);
    partition.load([row(A, { weight: 100, weightFeed: 'fs://:one@127.0.0.1:8021' })], INHERIT);
    assert.equal(weightOf(find(partition, A)), 7);
    const report = partition.load([row(A, { weight: 100, weightFeed: 'fs://:two@127.0.0.1:8021' })], INHERIT);
    assert.equal(weightOf(find(partition, A)), 100);
    assert.deepEqual(report.changed, [`1 ${A}`]);
  });

  test('a value that is not a weight is refused; a set without weights is not changed', () => {
    const { engine, partition } = loaded([row(A)]);
    for (const weight of [-1, 1.5, Number.NaN, 2 ** 31]) {
      assert.throws(() => engine.setWeight(find(partition, A), weight), RangeError);
    }
    const gone = find(partition, A);
    engine.removePartition('default');
    assert.equal(engine.setWeight(gone, 5), false);
    const other = loaded([row(A, { attrs: 'weight=50' })], { flavour: 'kamailio' });
    assert.equal(other.engine.setWeight(find(other.partition, A), 5), false);
  });

  test('a set with reported weights chooses as one that was loaded with them', () => {
    const weights = fc.array(fc.nat(9), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(weights, fc.array(fc.tuple(fc.nat(11), fc.nat(9)), { maxLength: 8 }), (before, tellings) => {
        const rowsOf = (all: readonly number[]) => all.map((weight, i) => row(`sip:10.0.1.${i}`, { weight }));
        const { engine, partition } = loaded(rowsOf(before));
        const after = [...before];
        for (const [at, weight] of tellings) {
          if (at >= after.length) continue;
          after[at] = weight;
          report(engine, partition, `sip:10.0.1.${at}`, weight);
          setOf(partition).byHash(1, after.length);
        }
        const plain = setOf(loaded(rowsOf(after)).partition);
        for (let hash = 0; hash < 120; hash++) {
          assert.equal(setOf(partition).byHash(hash, after.length), plain.byHash(hash, after.length));
        }
      }),
    );
  });
});

function report(engine: Engine, partition: Partition, uri: string, weight: number): void {
  engine.setWeight(find(partition, uri), weight);
}
