import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { CompiledSet } from '../../../src/engine/compiled-set.js';
import type { DestinationRow } from '../../../src/engine/destination.js';
import type { DispatchContext } from '../../../src/engine/dispatch-context.js';
import { Engine } from '../../../src/engine/engine.js';
import { countedIn } from '../../../src/engine/kamailio/flavour.js';
import { KAMAILIO_DEFAULTS } from '../../../src/engine/kamailio/options.js';
import type { Compat } from '../../../src/engine/options.js';
import { loadWords, SharedLoads, type SharedLoadsOptions } from '../../../src/engine/shared-loads.js';
import { loadLibc } from '../../../src/sip/transport/native/libc.js';
import type { ToWorker } from '../../../src/workers/protocol.js';
import { Replica } from '../../../src/workers/replica.js';
import { BRAIN, callsOf, ownerOf, SHARED_BYTES } from '../../../src/workers/shared-layout.js';
import { SharedTables } from '../../../src/workers/shared-tables.js';
import { kamailioRows } from '../../support/kamailio.js';
import { partitionOptions, request, seededRandom, stillClock } from '../../support/partitions.js';
import { recordingLog } from '../../support/recording-log.js';
import { forkSharing } from '../../support/sharing-process.js';

/** Start of the test clock; a process's own clock starts near 0. */
const START = stillClock().time;
const RULES = { rules: [], hashPvar: undefined, defaultPartition: 'default', partitions: [], blacklists: [] };
const KAMAILIO = { ...KAMAILIO_DEFAULTS, flags: 2, hashSize: 6, hashExpire: 100, hashInitexpire: 20 };

/** One engine that counts alone, with this clock. */
function alone(clock: ReturnType<typeof stillClock>, compat: Compat) {
  const engine = new Engine({ clock, random: seededRandom() });
  engine.addPartition(partitionOptions({ flavour: 'kamailio', compat, kamailio: KAMAILIO }));
  return engine;
}

/** A brain (0) and two workers (1, 2) in one process with shared counts. */
function together(clock: ReturnType<typeof stillClock>, compat: Compat) {
  const engine = alone(clock, compat);
  const memory = new ArrayBuffer(SHARED_BYTES);
  const said: (readonly [worker: number, item: ToWorker])[] = [];
  const loadsOf = (owner: number, more: Partial<SharedLoadsOptions> = {}) =>
    new SharedLoads(callsOf(memory), { now: () => clock.time - START, owner, ...more });
  const loads = loadsOf(BRAIN, { inUse: () => countedIn(engine.partitions) });
  engine.countIn(loads);
  const tables = new SharedTables({
    engine,
    memory,
    workers: 2,
    send: (worker, item) => said.push([worker, JSON.parse(JSON.stringify(item)) as ToWorker]),
    rules: () => RULES,
  });
  tables.open(true);
  const ofWorkers = [1, 2].map((worker) => loadsOf(ownerOf(worker)));
  const replicas = [1, 2].map(
    (worker) =>
      new Replica({
        memory,
        owner: ownerOf(worker),
        clock,
        random: seededRandom(),
        log: recordingLog().log,
        loads: ofWorkers[worker - 1] as SharedLoads,
        taken: (name, generation) => tables.taken(worker, name, generation),
      }),
  );
  const deliver = async () => {
    for (const [worker, item] of said.splice(0)) {
      const replica = replicas[worker - 1] as Replica;
      if (item[0] === 'table') replica.begin(item);
      else if (item[0] === 'rows') replica.add(item[1], item[2]);
      else if (item[0] === 'tableEnd') replica.end(item[1]);
      else if (item[0] === 'noTable') replica.forget(item[1], item[2]);
    }
    for (const replica of replicas) await replica.settled();
  };
  const engines = [engine, ...replicas.map((replica) => replica.engine)];
  return { engine, engines, tables, deliver, loads: [loads, ...ofWorkers] };
}

function choose(engine: Engine, callId: string): { context: DispatchContext; listed: readonly string[] } | undefined {
  const partition = engine.partition('') ?? assert.fail();
  const context = engine.context();
  const target = { setId: 1, algorithm: 10, flags: 0, maxResults: Number.POSITIVE_INFINITY };
  if (context.selectOne(partition, target, request({ callId })) === undefined) return undefined;
  const listed = context.of(partition)?.listed() ?? [];
  return { context, listed: listed.map(({ row }) => row.uri) };
}

function next(engine: Engine, context: DispatchContext): string | undefined {
  const partition = engine.partition('') ?? assert.fail();
  const set = partition.snapshot.sets.get(1) as CompiledSet;
  // As a worker does before failover.
  set.enter();
  set.leave();
  return context.next(partition)?.row.uri;
}

function loadsAt(engine: Engine): readonly (number | undefined)[] {
  const partition = engine.partition('') ?? assert.fail();
  const { destinations = [] } = partition.snapshot.sets.get(1) ?? {};
  return destinations.map((each) => partition.flavour.loadOf(each)?.load);
}

const step = fc.record({
  what: fc.constantFrom('begin', 'begin', 'begin', 'next', 'confirm', 'end', 'bye', 'state', 'time', 'reload', 'share'),
  by: fc.nat(2),
  n: fc.nat(7),
});

describe('calls that several processes count together', () => {
  for (const compat of ['default', 'strict'] as const) {
    test(`give every choice, list and load as in one process (${compat})`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
          const clock = stillClock();
          const one = alone(clock, compat);
          const several = together(clock, compat);
          const tables: readonly DestinationRow[][] = [
            kamailioRows(['duid=a;maxload=2', 'duid=b', 'duid=c;maxload=1', 'duid=d;maxload=3']),
            kamailioRows(['duid=a;maxload=1', 'duid=b;maxload=2', 'duid=c']),
          ];
          let table = 0;
          const reload = async () => {
            for (const engine of [one, several.engine]) {
              engine.partition('')?.load(tables[table % 2] as DestinationRow[], { inheritState: true });
            }
            several.tables.changed();
            await several.deliver();
          };
          await reload();
          const calls = new Map<
            number,
            { by: number; one: DispatchContext | undefined; several: DispatchContext | undefined }
          >();
          for (const [i, { what, by, n }] of steps.entries()) {
            const where = `step ${i}: ${what} ${n} by ${by}`;
            const call = calls.get(n);
            const engine = several.engines[by] as Engine;
            if (what === 'begin') {
              const [expected, found] = [choose(one, `${n}`), choose(engine, `${n}`)];
              assert.deepEqual(found?.listed, expected?.listed, where);
              calls.set(n, { by, one: expected?.context, several: found?.context });
            } else if (what === 'next' && call?.one !== undefined && call.several !== undefined) {
              const itsEngine = several.engines[call.by] as Engine;
              assert.equal(next(itsEngine, call.several), next(one, call.one), where);
            } else if (what === 'confirm' || what === 'end') {
              const ends = [one.partition(''), several.engines[call?.by ?? 0]?.partition('')] as const;
              for (const [at, context] of [call?.one, call?.several].entries()) {
                const counted = context?.of(ends[at] ?? assert.fail())?.call;
                if (what === 'confirm') counted?.confirm();
                else counted?.end();
              }
            } else if (what === 'bye') {
              one.partition('')?.flavour.endCall(`${n}`);
              several.loads[by]?.endAll(`${n}`);
            } else if (what === 'state' || what === 'share') {
              for (const each of [one, several.engine]) {
                const { destinations = [] } = each.partition('')?.snapshot.sets.get(1) ?? {};
                const destination = destinations[n % destinations.length];
                if (destination === undefined) continue;
                if (what === 'share') each.partition('')?.flavour.shareLoad(destination, by, n < 4 ? n : undefined);
                else {
                  const to = by === 0 ? 'inactive' : 'active';
                  each.states.apply({ destination, kind: 'set', to, origin: 'mi', reason: 'test' });
                }
              }
            } else if (what === 'time') {
              clock.time += 1000 * 5 * n;
              for (const each of [one, several.engine]) each.partition('')?.flavour.expireCalls();
            } else if (what === 'reload') {
              table++;
              // A list continues with the destinations of its table: new calls use the new one.
              calls.clear();
              await reload();
            }
            for (const each of several.engines) assert.deepEqual(loadsAt(each), loadsAt(one), where);
          }
        }),
        { numRuns: Number(process.env['RUNS'] ?? '60') },
      );
    });
  }

  const SIZES = { calls: 4096, counters: 8 };
  const small = (more: Partial<SharedLoadsOptions> = {}, words = new Int32Array(loadWords(SIZES))) =>
    new SharedLoads(words, { now: () => 0, owner: 1, inUse: () => [], sizes: SIZES, ...more });

  test('a call for which there is no memory is not counted, until another one ends or expires', () => {
    let now = 0;
    const loads = small({ now: () => now });
    const counted = { counter: -1 };
    const counter = loads.counterOf(counted);
    for (let i = 0; i < SIZES.calls; i++) assert.ok(loads.begin(`${i}`, 1, counter, i < 10 ? 5 : 100));
    assert.equal(loads.begin('more', 1, counter, 100), false);
    assert.equal(loads.load(counter), SIZES.calls);
    assert.ok(loads.end('17', 1));
    assert.ok(loads.begin('more', 1, counter, 100));
    now = 6000;
    assert.ok(loads.begin('another', 1, counter, 100));
    assert.equal(loads.load(counter), SIZES.calls - 9);
  });

  test('a call counts for the longest time that can be set', () => {
    let now = 5000;
    const loads = small({ now: () => now });
    const counter = loads.counterOf({ counter: -1 });
    assert.ok(loads.begin('1', 1, counter, 2_147_483_647));
    assert.ok(loads.begin('2', 1, counter, 2_147_483_647));
    loads.confirm('2', 1, 2_147_483_647);
    now += 3_600_000;
    assert.equal(loads.expire(), 0);
    assert.equal(loads.load(counter), 2);
  });

  test('the largest possible loads of other nodes are stored unchanged, and the same loads again are no change', () => {
    const loads = small();
    const counter = loads.counterOf({ counter: -1 });
    for (const [elsewhere, share, max] of [
      [2_147_483_647, 2_147_483_647, 2_147_483_646],
      [Number.MAX_SAFE_INTEGER, 2 ** 31, 2_147_483_646],
      [3, 0, 0],
      [0, undefined, undefined],
    ] as const) {
      loads.setElsewhere(counter, elsewhere, share);
      assert.equal(loads.elsewhere(counter), Math.min(elsewhere, 2_147_483_647));
      assert.equal(loads.share(counter), max);
      const { changes } = loads;
      loads.setElsewhere(counter, elsewhere, share);
      assert.equal(loads.changes, changes);
    }
  });

  test('the counter of a destination that is gone is used again when no call is there any more', () => {
    let inUse: { counter: number }[] = [];
    const loads = small({ inUse: () => inUse });
    const first = Array.from({ length: SIZES.counters }, () => ({ counter: -1 }));
    for (const [i, each] of first.entries()) assert.equal(loads.counterOf(each), i);
    assert.ok(loads.begin('1', 1, 3, 100));
    inUse = first.slice(0, 2);
    const second = Array.from({ length: 6 }, () => ({ counter: -1 }));
    inUse.push(...second);
    const given = second.map((each) => loads.counterOf(each));
    assert.deepEqual([...given].sort(), [-1, 2, 4, 5, 6, 7]);
  });

  test('a destination without a counter does not search the whole memory at each call', () => {
    let searches = 0;
    let now = 0;
    const all = Array.from({ length: 100 }, () => ({ counter: -1 }));
    const inUse = () => {
      searches++;
      return all;
    };
    const loads = small({ inUse, now: () => now });
    const given = all.map((each) => loads.counterOf(each));
    assert.equal(given.filter((counter) => counter >= 0).length, SIZES.counters);
    assert.equal(searches, 1);
    (all[0] as { counter: number }).counter = -1;
    now = 1000;
    assert.ok(loads.counterOf(all[99] as { counter: number }) >= 0, 'one that has become free is given away');
  });

  test('a counter is not given away while a call has moved to the destination that had it', () => {
    let inUse: { counter: number }[] = [];
    const loads = small({ inUse: () => inUse });
    const first = Array.from({ length: SIZES.counters }, () => ({ counter: -1 }));
    for (const each of first) loads.counterOf(each);
    assert.ok(loads.begin('1', 1, 0, 100));
    inUse = first.slice(0, 2);
    assert.equal(loads.counterOf({ counter: -1 }), 7);
    // Failover within a replaced table.
    loads.move('1', 1, 6);
    const given = Array.from({ length: 4 }, () => loads.counterOf({ counter: -1 }));
    loads.end('1', 1);
    assert.deepEqual([...given, loads.load(6)], [5, 4, 3, 2, 0]);
  });

  test('counters are rebuilt from the calls after a process died within a change', () => {
    const words = new Int32Array(loadWords(SIZES));
    const loads = small({}, words);
    const counters = [0, 1].map(() => loads.counterOf({ counter: -1 }));
    for (let i = 0; i < 100; i++) loads.begin(`${i}`, 1, counters[i % 2] as number, 100);
    for (let died = 0; died < 40; died++) {
      // The process dies at its n-th write to the memory.
      let left = died;
      const dying = new Proxy(words, {
        set: (target, key, value) => {
          if (left-- === 0) throw new Error('dead');
          return Reflect.set(target, key, value);
        },
        get: (target, key) => {
          const value = Reflect.get(target, key) as unknown;
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      const other = small({ pid: 99, alive: () => false } as Partial<SharedLoadsOptions>, words);
      Object.assign(other, { words: dying });
      const run = [
        () => other.begin(`new ${died}`, 1, counters[0] as number, 100),
        () => other.move(`${died}`, 1, counters[(died + 1) % 2] as number),
        () => other.end(`${died}`, 1),
      ];
      for (const each of run) {
        left = died % 14;
        try {
          each();
        } catch (error) {
          assert.match(String(error), /dead/);
        }
        loads.ended(99);
        loads.enter();
        loads.leave();
        const at = counters.map((counter) => loads.load(counter));
        assert.equal((at[0] as number) + (at[1] as number), loads.size, `dead at write ${died}`);
      }
    }
    for (let i = 0; i < 100; i++) for (const callId of [`${i}`, `new ${i}`]) loads.endAll(callId);
    assert.deepEqual([loads.size, ...counters.map((counter) => loads.load(counter))], [0, 0, 0]);
  });

  test('calls that a dead process was setting up no longer count, answered ones do', () => {
    const words = new Int32Array(loadWords(SIZES));
    const [first, second] = [1, 2].map((owner) => small({ owner }, words)) as [SharedLoads, SharedLoads];
    const counter = first.counterOf({ counter: -1 });
    for (const each of ['1', '2', '3']) first.begin(each, 1, counter, 100);
    second.begin('4', 1, counter, 100);
    first.confirm('1', 1, 100);
    // The call continued in the other process.
    second.begin('2', 1, counter, 100);
    assert.equal(second.lost(1), 1);
    assert.equal(second.load(counter), 3);
  });
});

const libc = await loadLibc();
const skip = 'libc' in libc ? false : 'the system calls are not available';
const PROGRAM = 'test/support/calling-process.ts';
const WORKERS = 3;
/** Number of processes to kill; KILLS=100 in the environment for a long run. */
const KILLS = Number(process.env['KILLS'] ?? '4');

test('processes that call at the same time, and are killed, never exceed maxload', { skip }, async (t) => {
  if (!('libc' in libc)) return;
  const { memory, fd } = libc.libc.share(SHARED_BYTES);
  const engine = alone(stillClock(), 'default');
  const loads = new SharedLoads(callsOf(memory), {
    now: () => 0,
    owner: BRAIN,
    inUse: () => countedIn(engine.partitions),
  });
  engine.countIn(loads);
  const partition = engine.partition('') ?? assert.fail();
  const max = [30, 40, 50];
  partition.load(kamailioRows([50, 40, 30].map((each) => `duid=d;maxload=${each}`)), { inheritState: true });
  const children: ChildProcess[] = [];
  t.after(() => {
    for (const each of children) each?.kill('SIGKILL');
  });
  const tables = new SharedTables({
    engine,
    memory,
    workers: WORKERS,
    send: (worker, item: ToWorker) => void children[worker]?.send(item),
    rules: () => RULES,
  });
  tables.open(true);
  tables.changed();
  const start = async (worker: number): Promise<void> => {
    const child = forkSharing(PROGRAM, fd);
    children[worker] = child;
    child.send(['begin', worker, SHARED_BYTES]);
    tables.started(worker);
    await once(child, 'message');
  };
  let looks = 0;
  const check = () => {
    loads.enter();
    const now = loadsAt(engine);
    const { size } = loads;
    loads.leave();
    assert.ok(
      now.every((load, i) => load !== undefined && load >= 0 && load <= (max[i] as number)),
      `${now}`,
    );
    assert.equal(
      now.reduce<number>((sum, load) => sum + (load ?? 0), 0),
      size,
    );
    looks++;
  };
  await Promise.all(Array.from({ length: WORKERS }, (_, i) => start(i + 1)));
  for (let i = 0; i < KILLS; i++) {
    for (const until = performance.now() + 50 * Math.random(); performance.now() < until; check()) await sleep(1);
    const worker = 1 + (i % WORKERS);
    const child = children[worker] as ChildProcess;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    loads.ended(child.pid as number);
    tables.lost(worker);
    loads.lost(ownerOf(worker));
    check();
    await start(worker);
  }
  // At least one destination has been full.
  for (let full = false; !full; full = loadsAt(engine).some((load, i) => load === max[i])) {
    check();
    await sleep(1);
  }
  const made = await Promise.all(
    children.filter(Boolean).map(async (child) => {
      const answer = once(child, 'message');
      child.send(['stop']);
      return ((await answer) as [number])[0];
    }),
  );
  check();
  assert.ok(made.reduce((sum, each) => sum + each, 0) > 1000 && looks > KILLS, `calls ${made}, looks ${looks}`);
  for (let i = 0; i < 400; i++) loads.endAll(`call ${i}`);
  assert.deepEqual([loads.size, ...loadsAt(engine)], [0, 0, 0, 0]);
});
