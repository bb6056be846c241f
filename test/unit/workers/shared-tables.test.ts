import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nextIteration } from '../../../src/core/event-loop.js';
import type { DestinationRow } from '../../../src/engine/destination.js';
import { Engine } from '../../../src/engine/engine.js';
import type { Partition } from '../../../src/engine/partition.js';
import { parseSelectArguments } from '../../../src/engine/select-arguments.js';
import { SharedLoads } from '../../../src/engine/shared-loads.js';
import type { ToWorker } from '../../../src/workers/protocol.js';
import { Replica } from '../../../src/workers/replica.js';
import { callsOf, FIRST_COLUMN, ownerOf } from '../../../src/workers/shared-layout.js';
import { canBeShared, SharedTables } from '../../../src/workers/shared-tables.js';
import { partitionOptions, request, row, seededRandom, stillClock } from '../../support/partitions.js';
import { recordingLog } from '../../support/recording-log.js';
import { until } from '../../support/until.js';

const RULES = { rules: [], hashPvar: undefined, defaultPartition: 'default', partitions: [], blacklists: [] };
const three = [1, 2, 3].map((i) => row(`sip:10.0.0.${i}`));

/** A brain with two workers in one process. `deliver` passes on the brain's messages and the workers' answers. */
function world(words = 4096, partitions = ['default']) {
  const clock = stillClock();
  const engine = new Engine({ clock, random: seededRandom() });
  for (const name of partitions) engine.addPartition(partitionOptions({ name }));
  const memory = new ArrayBuffer(4 * (FIRST_COLUMN + words));
  const said: (readonly [worker: number, item: ToWorker])[] = [];
  const shared = { rules: true, prepare: async (_partition: Partition) => {} };
  const tables = new SharedTables({
    engine,
    memory,
    workers: 2,
    send: (worker, item) => said.push([worker, JSON.parse(JSON.stringify(item)) as ToWorker]),
    rules: () => (shared.rules ? RULES : undefined),
  });
  const start = (worker: number) =>
    new Replica({
      memory,
      owner: ownerOf(worker),
      clock,
      random: seededRandom(),
      log: recordingLog().log,
      loads: new SharedLoads(callsOf(memory), { now: () => clock.time, owner: ownerOf(worker) }),
      prepare: (partition) => shared.prepare(partition),
      taken: (name, generation) => tables.taken(worker, name, generation),
    });
  const replicas = [start(1), start(2)];
  const epochs = [0, 0];
  const deliver = async () => {
    for (const [worker, item] of said.splice(0)) {
      const replica = replicas[worker - 1] as Replica;
      if (item[0] === 'rules') epochs[worker - 1] = item[1];
      else if (item[0] === 'table') replica.begin(item);
      else if (item[0] === 'rows') replica.add(item[1], item[2]);
      else if (item[0] === 'tableEnd') replica.end(item[1]);
      else if (item[0] === 'noTable') replica.forget(item[1], item[2]);
    }
    for (const replica of replicas) await replica.settled();
  };
  const load = (rows: readonly DestinationRow[], name = 'default') =>
    engine.partition(name)?.load(rows, { inheritState: true });
  const isCurrent = (worker: number, name = 'default') => {
    const replica = replicas[worker - 1] as Replica;
    const partition = replica.engine.partition(name);
    return partition !== undefined && replica.isCurrent(partition);
  };
  /** Round robin in the brain (0) or a worker. */
  const next = (who: number) => {
    const by = who === 0 ? engine : (replicas[who - 1] as Replica).engine;
    const args = parseSelectArguments({ set: 1, alg: 4 });
    assert.ok(typeof args !== 'string');
    const context = by.context();
    const partition = by.partition('');
    assert.ok(partition !== undefined);
    context.select(partition, args.targets, request());
    return context.current(partition)?.row.uri.slice(-1);
  };
  return { engine, tables, replicas, epochs, shared, start, deliver, load, isCurrent, next };
}

describe('tables that workers share', () => {
  test('round robin goes on from the same position in the brain and in workers', async () => {
    const { load, tables, deliver, isCurrent, next } = world();
    load(three);
    tables.changed();
    assert.equal(isCurrent(1), false, 'nothing has come yet');
    await deliver();
    assert.ok(isCurrent(1) && isCurrent(2));
    assert.equal([1, 2, 0, 2, 1, 0].map(next).join(''), '123123');
  });

  test('no worker uses a reloaded table until all of it has arrived', async () => {
    const { load, tables, deliver, isCurrent, next, engine } = world();
    load(three);
    tables.changed();
    await deliver();
    assert.equal([1, 2].map(next).join(''), '12');
    load([...three, row('sip:10.0.0.4')]);
    tables.changed();
    assert.deepEqual(
      [1, 2].map((worker) => isCurrent(worker)),
      [false, false],
    );
    await deliver();
    assert.ok(isCurrent(1) && isCurrent(2));
    assert.equal([1, 2, 0].map(next).join(''), '341');
    const hits = engine
      .partition('')
      ?.snapshot.sets.get(1)
      ?.destinations.map(({ health }) => health.hits);
    assert.deepEqual(hits, [2, 1, 1, 1]);
  });

  test('no worker uses a table until the blacklists and rules that depend on its sets are updated', async () => {
    const { load, tables, deliver, isCurrent, shared } = world();
    load(three);
    tables.changed();
    await deliver();
    const sizes: (number | undefined)[] = [];
    let done = (): void => {};
    const made = new Promise<void>((resolve) => {
      done = resolve;
    });
    shared.prepare = ({ snapshot }) => {
      sizes.push(snapshot.sets.get(1)?.destinations.length);
      return made;
    };
    load([...three, row('sip:10.0.0.4')]);
    tables.changed();
    const delivered = deliver();
    await until('both make it', () => sizes.length === 2);
    await nextIteration();
    assert.deepEqual([isCurrent(1), isCurrent(2), ...sizes], [false, false, 4, 4]);
    done();
    await delivered;
    assert.ok(isCurrent(1) && isCurrent(2));
  });

  test('a state that the brain writes holds in the next selection of each worker', async () => {
    const { load, tables, deliver, next, engine } = world();
    load(three);
    tables.changed();
    await deliver();
    const destination = engine.partition('')?.snapshot.sets.get(1)?.destinations[1];
    assert.ok(destination !== undefined);
    engine.states.apply({ destination, kind: 'set', to: 'inactive', origin: 'mi', reason: 'test' });
    assert.equal([1, 2, 1].map(next).join(''), '131');
    engine.states.apply({ destination, kind: 'set', to: 'active', origin: 'mi', reason: 'test' });
    assert.equal(next(2), '2');
  });

  test('the memory of a table that no process uses any longer is used for another', async () => {
    const { load, tables, deliver, isCurrent, next } = world(256);
    for (let i = 0; i < 50; i++) {
      load(three);
      tables.changed();
      await deliver();
      assert.ok(isCurrent(1) && isCurrent(2), `load ${i}`);
      assert.equal([1, 2, 0].map(next).join(''), '123');
    }
  });

  test('memory of a table that a worker has not replaced is not used for another', async () => {
    const { load, tables, deliver, isCurrent, next } = world(128);
    load(three);
    tables.changed();
    await deliver();
    // Both still use the first one; there is space for four of them.
    for (let i = 0; i < 6; i++) {
      load(three);
      tables.changed();
    }
    await deliver();
    assert.equal(isCurrent(1), false);
    assert.equal([0, 0, 0].map(next).join(''), '123');
    load(three);
    tables.changed();
    await deliver();
    assert.ok(isCurrent(1) && isCurrent(2));
  });

  test('weights that are set at run time are for the brain alone', async () => {
    const { load, tables, deliver, isCurrent, engine } = world();
    load(three);
    tables.changed();
    await deliver();
    const destination = engine.partition('')?.snapshot.sets.get(1)?.destinations[0];
    assert.ok(destination !== undefined);
    engine.setWeight(destination, 5);
    assert.deepEqual(
      [1, 2].map((worker) => isCurrent(worker)),
      [false, false],
    );
    tables.changed();
    await deliver();
    assert.equal(isCurrent(1), false);
  });

  test('a restarted worker gets the current tables; the lock of the previous one is free', async () => {
    const { load, tables, deliver, replicas, start, isCurrent, next } = world();
    load(three);
    tables.changed();
    await deliver();
    const set = replicas[0]?.engine.partition('')?.snapshot.sets.get(1) as { enter?: () => void } | undefined;
    set?.enter?.();
    tables.lost(1);
    assert.equal(next(2), '1');
    replicas[0] = start(1);
    tables.started(1);
    await deliver();
    assert.ok(isCurrent(1));
    assert.equal(next(1), '2');
  });

  test('rules apply until others, or none, are published', async () => {
    const { tables, replicas, epochs, deliver, shared } = world();
    tables.changed();
    await deliver();
    const [first] = replicas;
    assert.ok(first?.isInForce(epochs[0] as number));
    tables.open(false);
    assert.equal(first?.isInForce(epochs[0] as number), false);
    tables.open(true);
    assert.ok(first?.isInForce(epochs[0] as number));
    shared.rules = false;
    tables.changed();
    assert.equal(first?.isInForce(epochs[0] as number), false);
  });

  test('workers leave requests of a partition that was removed to the brain', async () => {
    const { load, tables, deliver, isCurrent, engine } = world(4096, ['default', 'other']);
    load(three, 'other');
    tables.changed();
    await deliver();
    assert.ok(isCurrent(1, 'other'));
    engine.removePartition('other');
    tables.changed();
    assert.equal(isCurrent(1, 'other'), false);
  });

  test('rules that need data of the brain are not shared', () => {
    const rule = {
      pointer: '/routing/0',
      match: new Map([['$rU', 'x']]),
      select: undefined,
      relay: 'stateful',
      failover: { codes: [], max: undefined, mark: undefined },
      redirects: { follow: false, max: 1 },
      recordRoute: false,
      useBlacklist: [],
      reject: { code: 503, reason: '' },
    } as const;
    assert.ok(canBeShared({ ...RULES, rules: [rule] }));
    for (const name of ['$stat(rcv_requests)', '$(shtag(vip))', '$pp']) {
      assert.equal(canBeShared({ ...RULES, rules: [{ ...rule, match: new Map([[name, 'x']]) }] }), false, name);
      assert.equal(canBeShared({ ...RULES, hashPvar: name }), false, name);
    }
  });
});
