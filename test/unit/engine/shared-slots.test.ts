import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CompiledSet } from '../../../src/engine/compiled-set.js';
import { Engine } from '../../../src/engine/engine.js';
import type { Compat } from '../../../src/engine/options.js';
import type { Partition } from '../../../src/engine/partition.js';
import { parseSelectArguments } from '../../../src/engine/select-arguments.js';
import { SharedColumns, wordsOf } from '../../../src/engine/shared-columns.js';
import { partitionOptions, request, row, seededRandom, stillClock } from '../../support/partitions.js';

interface Process {
  readonly engine: Engine;
  readonly partition: Partition;
}

const setOf = ({ partition }: Process) => partition.snapshot.sets.get(1) as CompiledSet;

/** Processes with their own random numbers that select from one set; the first writes its states. */
function sharing(attrs: readonly string[], compat: Compat): readonly Process[] {
  const rows = attrs.map((each, i) => row(`sip:10.0.0.${i + 1}`, { attrs: each }));
  const processes = [1, 2, 3].map((seed) => {
    const engine = new Engine({ clock: stillClock(), random: seededRandom(seed) });
    const partition = engine.addPartition(partitionOptions({ flavour: 'kamailio', compat }));
    partition.load(rows, { inheritState: true });
    return { engine, partition };
  });
  const memory = new ArrayBuffer(4 * wordsOf(rows.length));
  processes.forEach((each, i) => {
    setOf(each).share(new SharedColumns(memory, 0, rows.length, i + 1), i === 0);
  });
  const [first] = processes as [Process];
  first.engine.states.onChange(({ destination }) => setOf(first).publishState(destination));
  return processes;
}

function select({ engine, partition }: Process, alg: number): number {
  const args = parseSelectArguments({ set: 1, alg });
  assert.ok(typeof args !== 'string');
  const context = engine.context();
  assert.equal(context.select(partition, args.targets, request()), 'selected');
  return Number(context.current(partition)?.row.uri.slice(-1));
}

/** How often each was chosen in a number of selections made by the processes by round robin. */
function counts(processes: readonly Process[], alg: number, selections: number): readonly number[] {
  const found = [0, 0, 0];
  for (let i = 0; i < selections; i++) {
    const chosen = select(processes[(i * 7) % processes.length] as Process, alg) - 1;
    found[chosen] = (found[chosen] ?? 0) + 1;
  }
  return found;
}

const mark = ({ engine, partition }: Process, uri: string, to: 'active' | 'inactive') => {
  const destination = partition.snapshot.sets.get(1)?.destinations.find(({ row }) => row.uri === uri);
  if (destination !== undefined) engine.states.apply({ destination, kind: 'set', to, origin: 'mi', reason: 'test' });
};

for (const compat of ['default', 'strict'] as const) {
  describe(`shares by weight over several processes, ${compat}`, () => {
    for (const [alg, name] of [
      [9, 'weight'],
      [11, 'rweight'],
    ] as const) {
      test(`algorithm ${alg} gives each destination its share in each round of all processes together`, () => {
        const processes = sharing([`${name}=50`, `${name}=30`, `${name}=20`], compat);
        for (let round = 0; round < 3; round++) assert.deepEqual(counts(processes, alg, 100), [50, 30, 20]);
      });
    }

    test('a state set by one process changes the shares in all: the other destinations get those of the inactive one', () => {
      const processes = sharing(['rweight=50', 'rweight=30', 'rweight=20'], compat);
      counts(processes, 11, 37);
      mark(processes[0] as Process, 'sip:10.0.0.1', 'inactive');
      // Shares of 30 and 20 out of 50.
      assert.deepEqual(counts(processes, 11, 100), [0, 60, 40]);
      mark(processes[0] as Process, 'sip:10.0.0.1', 'active');
      assert.deepEqual(counts(processes, 11, 100), [50, 30, 20]);
    });

    test('a copy of the set for an explained request chooses next what the processes would', () => {
      for (const [alg, name] of [
        [9, 'weight'],
        [11, 'rweight'],
      ] as const) {
        const attrs = [`${name}=50`, `${name}=30`, `${name}=20`];
        const processes = sharing(attrs, compat);
        counts(processes, alg, 25);
        const [copy] = sharing(attrs, compat) as [Process];
        setOf(copy).unshare();
        setOf(copy).copyPositions(setOf(processes[1] as Process));
        const copied = Array.from({ length: 60 }, () => select(copy, alg));
        assert.deepEqual(
          Array.from({ length: 60 }, (_, i) => select(processes[i % 3] as Process, alg)),
          copied,
        );
      }
    });

    test('a tried selection changes nothing for any process', () => {
      const processes = sharing(['weight=50', 'weight=30', 'weight=20'], compat);
      const [first, second] = processes as [Process, Process];
      const restore = setOf(first).remember();
      const tried = Array.from({ length: 40 }, () => select(first, 9));
      restore();
      // The first table is drawn when it is first needed, and drawn again since nobody had used it.
      counts(processes, 9, 10);
      const again = setOf(first).remember();
      const inTrial = Array.from({ length: 40 }, () => select(first, 9));
      again();
      assert.deepEqual(
        Array.from({ length: 40 }, (_, i) => select(i % 2 === 0 ? second : first, 9)),
        inTrial,
      );
      assert.equal(tried.length, 40);
    });
  });
}

test('a set whose shares congestion control changes, or that a strict partition may leave without shares, needs one process', () => {
  const fixed = (attrs: readonly string[], compat: Compat): boolean | undefined => {
    const [first] = sharing(attrs, compat) as [Process];
    return first.partition.flavour.sharesAreFixed?.(setOf(first));
  };
  assert.equal(fixed(['weight=5', 'weight=5'], 'strict'), true);
  assert.equal(fixed(['rweight=5', 'rweight=5'], 'strict'), true);
  assert.equal(fixed(['rweight=5', ''], 'strict'), false);
  assert.equal(fixed(['rweight=5', ''], 'default'), true);
  assert.equal(fixed(['rweight=5;cc=1', 'rweight=5'], 'default'), false);
});
