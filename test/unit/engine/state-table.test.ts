import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { HealthState } from '../../../src/engine/destination.js';
import type { Engine } from '../../../src/engine/engine.js';
import { KAMAILIO_DEFAULTS } from '../../../src/engine/kamailio/options.js';
import type { Compat } from '../../../src/engine/options.js';
import type { StateChange, StateSignal } from '../../../src/engine/state.js';
import { engineWith, partitionOptions, row } from '../../support/partitions.js';

const URI = 'sip:10.0.0.1:5060';

function start(state: HealthState, probingThreshold = 3, compat: Compat = 'default') {
  const engine = engineWith([partitionOptions({ probingThreshold, compat })]);
  engine.partition('')?.load([row(URI, { state })], { inheritState: true });
  const destination = engine.partition('')?.find(1, URI);
  assert.ok(destination !== undefined);
  const changes: StateChange[] = [];
  engine.states.onChange((change) => changes.push(change));
  return { engine, destination, changes };
}

type Act = Pick<StateSignal, 'kind' | 'to'>;

function act(engine: Engine, destination: StateSignal['destination'], { kind, to }: Act): StateChange | undefined {
  return engine.states.apply({
    destination,
    kind,
    ...(to === undefined ? {} : { to }),
    origin: kind === 'set' ? 'mi' : 'probe',
    reason: 'test',
  });
}

describe('state transitions', () => {
  const rows: readonly [before: HealthState, act: Act, after: HealthState, edge: 'active' | 'inactive' | undefined][] =
    [
      ['active', { kind: 'set', to: 'active' }, 'active', undefined],
      ['active', { kind: 'set', to: 'inactive' }, 'inactive', 'inactive'],
      ['active', { kind: 'set', to: 'probing' }, 'probing', 'inactive'],
      ['active', { kind: 'failure' }, 'probing', 'inactive'],
      ['active', { kind: 'success' }, 'active', undefined],
      ['inactive', { kind: 'set', to: 'active' }, 'active', 'active'],
      ['inactive', { kind: 'set', to: 'inactive' }, 'inactive', undefined],
      ['inactive', { kind: 'set', to: 'probing' }, 'probing', undefined],
      ['inactive', { kind: 'failure' }, 'inactive', undefined],
      ['inactive', { kind: 'success' }, 'inactive', undefined],
      ['probing', { kind: 'set', to: 'active' }, 'active', 'active'],
      ['probing', { kind: 'set', to: 'inactive' }, 'inactive', undefined],
      ['probing', { kind: 'set', to: 'probing' }, 'probing', undefined],
      ['probing', { kind: 'failure' }, 'probing', undefined],
      ['probing', { kind: 'success' }, 'active', 'active'],
      ['active', { kind: 'restore', to: 'probing' }, 'probing', 'inactive'],
      ['inactive', { kind: 'restore', to: 'active' }, 'active', 'active'],
    ];
  for (const [before, action, after, edge] of rows) {
    test(`${before}, ${action.kind} ${action.to ?? ''}: ${after}, ${edge ?? 'no'} edge (threshold 1)`, () => {
      const { engine, destination, changes } = start(before, 1);
      const change = act(engine, destination, action);
      assert.equal(destination.health.state, after);
      assert.equal(change?.edge, edge);
      assert.equal(changes.length, before === after ? 0 : 1);
      assert.equal(destination.health.dirty, before !== after);
      assert.equal(destination.health.seq, edge === undefined ? 0 : 1);
    });
  }

  test('state p makes an active destination probing at the threshold, and state a resets the count', () => {
    const { engine, destination } = start('active');
    const p: Act = { kind: 'set', to: 'probing' };
    assert.equal(act(engine, destination, p), undefined);
    assert.equal(act(engine, destination, p), undefined);
    act(engine, destination, { kind: 'set', to: 'active' });
    assert.equal(destination.health.failures, 0);
    act(engine, destination, p);
    act(engine, destination, { kind: 'failure' });
    assert.equal(destination.health.state, 'active');
    assert.equal(act(engine, destination, p)?.edge, 'inactive');
  });

  test('in a strict partition state a keeps the count, and state p makes an inactive destination active', () => {
    const { engine, destination } = start('active', 2, 'strict');
    act(engine, destination, { kind: 'failure' });
    act(engine, destination, { kind: 'set', to: 'active' });
    assert.equal(act(engine, destination, { kind: 'failure' })?.state, 'probing');
    act(engine, destination, { kind: 'set', to: 'inactive' });
    assert.equal(act(engine, destination, { kind: 'set', to: 'probing' })?.state, 'active');
  });

  test('event numbers continue from the last one of an earlier run, and an edge that it did not publish is published', () => {
    for (const [state, status, edge] of [
      ['active', 'active', undefined],
      ['probing', 'inactive', undefined],
      ['active', 'inactive', 'active'],
      ['inactive', 'active', 'inactive'],
    ] as const) {
      const { engine, destination, changes } = start(state);
      const change = engine.states.resume(destination, { status, seq: 7 });
      const published = change && {
        edge: change.edge,
        seq: change.seq,
        previous: change.previous,
        state: change.state,
      };
      assert.deepEqual(published, edge && { edge, seq: 8, previous: status, state });
      assert.deepEqual(changes, change === undefined ? [] : [change]);
      assert.deepEqual([destination.health.state, destination.health.dirty], [state, false], 'the state itself stays');
      assert.equal(engine.states.resume(destination, { status, seq: 20 }), undefined, 'once');
      const to = state === 'active' ? 'inactive' : 'active';
      const next = engine.states.apply({ destination, kind: 'set', to, origin: 'mi', reason: 'MI command' });
      assert.equal(next?.seq, edge === undefined ? 8 : 9);
    }
  });

  test('a state decided by other nodes is adopted with its number, and raises an edge', () => {
    const { engine, destination, changes } = start('active');
    const decided = { state: 'probing', seq: 7, time: 5, reason: 'negative probing reply', code: 408 } as const;
    const change = engine.states.adopt(destination, decided);
    assert.deepEqual([change?.edge, change?.origin, change?.seq, change?.time], ['inactive', 'cluster', 7, 5]);
    assert.deepEqual(
      [destination.health.state, destination.health.seq, destination.health.dirty],
      ['probing', 7, true],
    );
    assert.equal(engine.states.adopt(destination, { ...decided, seq: 9 }), undefined, 'only the number changed');
    assert.equal(destination.health.seq, 9);
    assert.equal(changes.length, 1);
    assert.equal(destination.health.lastChange?.code, 408);
  });

  test('a signal that is not admitted changes nothing', () => {
    const { engine, destination, changes } = start('active');
    engine.states.guard(({ origin }) => origin !== 'probe');
    engine.states.apply({ destination, kind: 'failure', origin: 'probe', reason: 'negative probing reply' });
    assert.deepEqual([destination.health.failures, changes.length], [0, 0]);
    engine.states.guard(undefined);
    engine.states.apply({ destination, kind: 'failure', origin: 'probe', reason: 'negative probing reply' });
    assert.equal(destination.health.failures, 1);
  });

  test('failures counted at another node raise the count of this one, and never reduce it', () => {
    const { engine, destination } = start('active');
    engine.states.carry(destination, 2);
    engine.states.carry(destination, 1);
    assert.equal(destination.health.failures, 2);
  });

  test('in a kamailio partition good answers of another node count as well while a destination is inactive', () => {
    const engine = engineWith([
      partitionOptions({ flavour: 'kamailio', kamailio: { ...KAMAILIO_DEFAULTS, probingThreshold: 3 } }),
    ]);
    const partition = engine.partition('')!;
    partition.load([row(URI, {})], { inheritState: true });
    const destination = partition.find(1, URI)!;
    const fail = () => engine.states.apply({ destination, kind: 'failure', origin: 'probe', reason: 'test' });
    fail();
    assert.equal(partition.flavour.failuresOf(destination), 1);
    engine.states.carry(destination, 2);
    assert.equal(partition.flavour.failuresOf(destination), 2);
    fail();
    assert.notEqual(destination.health.state, 'active');
    engine.states.carry(destination, 2);
    assert.equal(partition.flavour.failuresOf(destination), 0);
  });

  test('a change has its origin, reason, time and destination', () => {
    const { engine, destination, changes } = start('active');
    const signal = {
      destination,
      kind: 'set',
      to: 'inactive',
      origin: 'mi',
      reason: 'MI command',
      address: 'SIP:10.0.0.1:5060',
      code: 503,
    } as const;
    engine.states.apply(signal);
    assert.deepEqual(changes[0], {
      destination,
      previous: 'active',
      state: 'inactive',
      edge: 'inactive',
      seq: 1,
      time: 1_700_000_000_000,
      origin: 'mi',
      reason: 'MI command',
      code: 503,
      cause: undefined,
      address: 'SIP:10.0.0.1:5060',
      signal,
    });
    assert.deepEqual(destination.health.lastChange, {
      time: 1_700_000_000_000,
      reason: 'MI command',
      origin: 'mi',
      code: 503,
      cause: undefined,
    });
  });

  test('states read from the table are not written back to it', () => {
    const { engine, destination } = start('active');
    engine.states.apply({ destination, kind: 'restore', to: 'inactive', origin: 'store', reason: 'reload' });
    assert.equal(destination.health.dirty, false);
    assert.equal(destination.health.state, 'inactive');
  });

  test('a listener that throws or is removed does not keep others from being called', () => {
    const { engine, destination } = start('active');
    const received: string[] = [];
    engine.states.onChange(() => {
      throw new Error('listener');
    });
    const leave = engine.states.onChange(() => received.push('gone'));
    engine.states.onChange((change) => received.push(change.state));
    leave();
    act(engine, destination, { kind: 'set', to: 'inactive' });
    assert.deepEqual(received, ['inactive']);
  });
});

describe('any signals in any order', () => {
  const action: fc.Arbitrary<Act> = fc.oneof(
    fc.constant<Act>({ kind: 'failure' }),
    fc.constant<Act>({ kind: 'success' }),
    fc.constantFrom<HealthState>('active', 'inactive', 'probing').map((to): Act => ({ kind: 'set', to })),
  );

  test('give the states of a model of four lines, with alternating edges', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (actions, threshold) => {
        const { engine, destination, changes } = start('active', threshold);
        let state: HealthState = 'active';
        let failures = 0;
        for (const each of actions) {
          act(engine, destination, each);
          const fails = each.kind === 'failure' || (each.to === 'probing' && state !== 'inactive');
          failures = fails && state !== 'inactive' ? failures + 1 : failures;
          if (each.to === 'active' || (each.kind === 'success' && state !== 'inactive'))
            [state, failures] = ['active', 0];
          else if (each.to === 'inactive') state = 'inactive';
          else if (each.to === 'probing' && state === 'inactive') state = 'probing';
          else if (fails && state === 'active' && failures >= threshold) state = 'probing';
          assert.equal(destination.health.state, state);
        }
        const edges = changes.filter((change) => change.edge !== undefined);
        edges.forEach((change, i) => {
          assert.equal(change.seq, i + 1);
          assert.equal(change.edge, i % 2 === 0 ? 'inactive' : 'active');
        });
        for (const change of changes) assert.notEqual(change.previous, change.state);
      }),
    );
  });
});
