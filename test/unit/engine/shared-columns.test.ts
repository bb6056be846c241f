import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { CompiledSet } from '../../../src/engine/compiled-set.js';
import type { DestinationRow } from '../../../src/engine/destination.js';
import { Engine } from '../../../src/engine/engine.js';
import type { FlavourName } from '../../../src/engine/options.js';
import type { Partition } from '../../../src/engine/partition.js';
import { parseSelectArguments } from '../../../src/engine/select-arguments.js';
import { SharedColumns, wordsOf } from '../../../src/engine/shared-columns.js';
import { partitionOptions, request, row, seededRandom, stillClock } from '../../support/partitions.js';

interface Process {
  readonly engine: Engine;
  readonly partition: Partition;
}

function start(rows: readonly DestinationRow[], flavour: FlavourName): Process {
  const engine = new Engine({ clock: stillClock(), random: seededRandom() });
  const partition = engine.addPartition(partitionOptions({ flavour }));
  partition.load(rows, { inheritState: true });
  return { engine, partition };
}

const setOf = ({ partition }: Process) => partition.snapshot.sets.get(1) as CompiledSet;

/** Several processes that select from one set; the first writes its states. */
function sharing(count: number, rows: readonly DestinationRow[], flavour: FlavourName): readonly Process[] {
  const processes = Array.from({ length: count }, () => start(rows, flavour));
  const memory = new ArrayBuffer(4 * wordsOf(rows.length));
  processes.forEach((each, i) => {
    setOf(each).share(new SharedColumns(memory, 0, rows.length, i + 1), i === 0);
  });
  processes[0]?.engine.states.onChange(({ destination }) => {
    setOf(processes[0] as Process).publishState(destination);
  });
  return processes;
}

function select({ engine, partition }: Process, alg: number, flags: string, callId: string): readonly string[] {
  const args = parseSelectArguments({ set: 1, alg, flags });
  assert.ok(typeof args !== 'string');
  const context = engine.context();
  if (context.select(partition, args.targets, request({ callId })) !== 'selected') return [String(context.failure)];
  const names: string[] = [];
  for (let each = context.current(partition); each !== undefined; each = context.next(partition))
    names.push(each.row.uri);
  return names;
}

const mark = ({ engine, partition }: Process, index: number, to: 'active' | 'inactive') => {
  const destination = partition.snapshot.sets.get(1)?.destinations[index];
  if (destination !== undefined) {
    engine.states.apply({ destination, kind: 'set', to, origin: 'mi', reason: 'test' });
  }
};

const step = fc.record({
  who: fc.nat(2),
  alg: fc.constantFrom(0, 1, 4, 5, 8),
  flags: fc.constantFrom('', 'f', 'fd'),
  call: fc.nat(50),
  down: fc.option(fc.nat(4), { freq: 4 }),
  up: fc.option(fc.nat(4), { freq: 4 }),
});

for (const flavour of ['opensips', 'kamailio'] as const) {
  describe(`a set shared by processes, flavour ${flavour}`, () => {
    const rows = [3, 1, 1, 2, 1].map((weight, i) => row(`sip:10.0.0.${i + 1}`, { weight }));

    test('all processes together choose as one does, whichever chooses and whatever goes down meanwhile', () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
          const alone = start(rows, flavour);
          const several = sharing(3, rows, flavour);
          const [writer] = several as [Process];
          for (const { who, alg, flags, call, down, up } of steps) {
            for (const each of [alone, writer]) {
              if (down !== null) mark(each, down, 'inactive');
              if (up !== null) mark(each, up, 'active');
            }
            const by = several[who] as Process;
            assert.deepEqual(select(by, alg, flags, `c${call}`), select(alone, alg, flags, `c${call}`));
          }
          const hits = ({ partition }: Process) =>
            partition.snapshot.sets.get(1)?.destinations.map(({ health }) => health.hits);
          assert.deepEqual(hits(writer), hits(alone));
        }),
      );
    });
  });
}

describe('a shared set', () => {
  const rows = [1, 2, 3].map((i) => row(`sip:10.0.0.${i}`));

  test('continues alone if all other processes have ended, and keeps its counts when it is no longer shared', () => {
    const [first, second] = sharing(2, rows, 'opensips') as [Process, Process];
    assert.deepEqual(select(first, 4, '', 'a'), ['sip:10.0.0.1']);
    assert.deepEqual(select(second, 4, '', 'b'), ['sip:10.0.0.2']);
    setOf(first).unshare();
    assert.deepEqual(select(first, 4, '', 'c'), ['sip:10.0.0.3']);
    assert.deepEqual(
      setOf(first).destinations.map(({ health }) => health.hits),
      [1, 1, 1],
    );
  });

  test('continues after a reload at the position of any process', () => {
    const [first, second] = sharing(2, rows, 'opensips') as [Process, Process];
    const before = setOf(first);
    first.partition.load([row('sip:10.0.0.9'), ...rows], { inheritState: true });
    // Selected with the old table after the new one was compiled.
    for (const id of ['a', 'b']) select(second, 4, '', id);
    const set = setOf(first);
    set.continueFrom(before);
    before.handOverHits();
    assert.deepEqual(select(first, 4, '', 'c'), ['sip:10.0.0.3']);
    assert.deepEqual(
      set.destinations.map(({ health }) => health.hits),
      [0, 1, 1, 1],
    );
  });

  test('a tried selection changes nothing', () => {
    const [first, second] = sharing(2, rows, 'opensips') as [Process, Process];
    const restore = setOf(first).remember();
    select(first, 4, 'f', 'a');
    restore();
    assert.deepEqual(select(second, 4, '', 'b'), ['sip:10.0.0.1']);
    assert.equal(setOf(first).destinations[0]?.health.hits, 1);
  });

  test('a process that died during a selection does not block the others', () => {
    const memory = new ArrayBuffer(4 * wordsOf(3));
    const [mine, dead] = [new SharedColumns(memory, 0, 3, 1), new SharedColumns(memory, 0, 3, 2)];
    dead.enter();
    mine.release(2);
    mine.enter();
    mine.leave();
    dead.enter();
    // No report of its death came: after a while it is taken for dead.
    mine.enter();
    mine.leave();
    const third = new SharedColumns(memory, 0, 3, 3);
    third.enter();
    third.leave();
  });
});
