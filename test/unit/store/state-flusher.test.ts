import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SwitchyardError } from '../../../src/core/errors.js';
import { type Logger, nullLogger } from '../../../src/core/logger.js';
import type { Destination, HealthState } from '../../../src/engine/destination.js';
import type { StateChange } from '../../../src/engine/state.js';
import { StateFlusher } from '../../../src/store/state-flusher.js';
import type { StateWrite } from '../../../src/store/store.js';
import { FakeClock } from '../../support/fake-clock.js';

const INTERVAL = 15_000;
const TABLE = 'table dispatcher of sqlite:./x.db';

/** A store with a configurable answer, and the destinations whose states are written to it. */
function setUp(count = 3, received?: (fields: object, message: string) => void) {
  const clock = new FakeClock();
  const listeners = new Set<(change: StateChange) => void>();
  const destinations = Array.from({ length: count }, (_, i) => destination(i));
  const saved: StateWrite[][] = [];
  const log: string[] = [];
  const note = (level: string) => (fields: object, message: string) => {
    log.push(`${level}: ${message}`);
    received?.(fields, message);
  };
  const logger: Logger = { ...nullLogger, warn: note('warn'), info: note('info') };
  const world = {
    clock,
    destinations,
    saved,
    log,
    answer: async (_: readonly StateWrite[]): Promise<void> => {},
    change(index: number, state: HealthState, dirty = true) {
      const changed = destinations[index] as Destination;
      changed.health.state = state;
      changed.health.dirty = dirty;
      for (const listen of listeners) listen({ destination: changed } as StateChange);
    },
    flusher: new StateFlusher({
      partition: 'acme',
      store: {
        description: TABLE,
        writable: true,
        load: async () => ({ rows: [], discarded: [] }),
        saveStates: async (states) => {
          await world.answer(states);
          saved.push([...states]);
        },
        close: async () => {},
      },
      destinations: () => destinations,
      changes: {
        onChange: (listen) => {
          listeners.add(listen);
          return () => listeners.delete(listen);
        },
      },
      clock,
      logger,
      intervalMs: INTERVAL,
    }),
  };
  return world;
}

function destination(index: number): Destination {
  const uri = `sip:gw${index}.example`;
  return {
    partition: 'acme',
    setId: 1,
    row: { rowId: index + 1, setId: 1, uri, state: 'active' },
    health: { state: 'active', dirty: false },
  } as Destination;
}

const brief = (writes: readonly StateWrite[] | undefined) => writes?.map(({ rowId, state }) => `${rowId} ${state}`);
const down = () => Promise.reject(new SwitchyardError('STORE_UNREACHABLE', 'refused', { retryable: true }));

describe('state flusher', () => {
  test('a line about a failing store names the table and the cause once; the logger adds the partition', async () => {
    const lines: { fields: Record<string, unknown>; message: string }[] = [];
    const world = setUp(3, (fields, message) => lines.push({ fields: fields as Record<string, unknown>, message }));
    await world.flusher.start();
    world.answer = () =>
      Promise.reject(
        new SwitchyardError('STORE_UNREACHABLE', 'sqlite:./x.db: connection refused', { retryable: true }),
      );
    world.change(0, 'probing');
    await world.clock.advanceAsync(INTERVAL);
    assert.deepEqual(lines, [
      { fields: { cause: 'connection refused' }, message: `${TABLE}: states not written, will retry` },
    ]);
    await world.flusher.stop();
  });

  test('a command that changes a state waits until the state is written, but no longer than the limit', async () => {
    const world = setUp();
    await world.flusher.start();
    assert.equal(await world.flusher.writeThrough(1000), true, 'nothing to write');
    world.change(0, 'inactive');
    assert.equal(await world.flusher.writeThrough(1000), true);
    assert.deepEqual(world.saved.map(brief), [['1 inactive']]);
    world.answer = () => new Promise(() => {});
    world.change(1, 'inactive');
    const waiting = world.flusher.writeThrough(1000);
    await world.clock.advanceAsync(1000);
    assert.equal(await waiting, false);
    assert.equal(await world.flusher.writeThrough(1000), false, 'nobody waits again for a store that has not answered');
  });

  test('changes are written together after the interval, the latest state of each', async () => {
    const world = setUp();
    await world.flusher.start();
    world.change(0, 'probing');
    await world.clock.advanceAsync(INTERVAL - 1);
    world.change(2, 'inactive');
    world.change(0, 'inactive');
    assert.equal(world.saved.length, 0);
    await world.clock.advanceAsync(1);
    assert.deepEqual(world.saved.map(brief), [['1 inactive', '3 inactive']]);
    assert.ok(world.destinations.every((each) => !each.health.dirty));
    assert.equal(world.clock.pending, 0, 'nothing to do, no timer');
    await world.flusher.stop();
  });

  test('states that came from the store are not written back', async () => {
    const world = setUp();
    await world.flusher.start();
    world.change(0, 'inactive', false);
    assert.equal(world.clock.pending, 0);
    await world.flusher.stop();
    assert.equal(world.saved.length, 0);
  });

  test('a state that changes while it is being written is written again', async () => {
    const world = setUp();
    await world.flusher.start();
    world.answer = async () => {
      world.answer = async () => {};
      world.change(0, 'active');
    };
    world.change(0, 'probing');
    await world.clock.advanceAsync(INTERVAL);
    assert.equal(world.destinations[0]?.health.dirty, true);
    await world.clock.advanceAsync(INTERVAL);
    assert.deepEqual(world.saved.map(brief), [['1 probing'], ['1 active']]);
    await world.flusher.stop();
  });

  test('a failing store is logged once, retried with growing delays, and its recovery is logged', async () => {
    const world = setUp();
    await world.flusher.start();
    world.answer = down;
    world.change(0, 'probing');
    await world.clock.advanceAsync(INTERVAL);
    assert.equal(world.flusher.failing, true);
    const delays: (number | undefined)[] = [];
    for (let i = 0; i < 8; i++) {
      delays.push(world.clock.nextIn);
      await world.clock.advanceAsync(world.clock.nextIn ?? 0);
    }
    assert.deepEqual(delays, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    assert.equal(world.log.length, 1);
    assert.match(world.log[0] ?? '', /^warn: table dispatcher of sqlite.*states not written/);
    assert.equal(world.flusher.counters.failures, 9);

    world.change(0, 'inactive');
    world.answer = async () => {};
    await world.clock.advanceAsync(60_000);
    assert.deepEqual(world.saved.map(brief), [['1 inactive']], 'the latest state, once');
    assert.match(world.log[1] ?? '', /^info: .*written again/);
    assert.equal(world.flusher.failing, false);
    assert.equal(world.clock.pending, 0);
  });

  test('a read-only table is reported once and marked', async () => {
    const world = setUp();
    await world.flusher.start();
    world.answer = () => Promise.reject(new SwitchyardError('STORE_READONLY', 'no privilege'));
    world.change(0, 'probing');
    await world.clock.advanceAsync(INTERVAL);
    await world.clock.advanceAsync(10_000, 1000);
    assert.equal(world.flusher.readOnly, true);
    assert.equal(world.log.length, 1);
    assert.match(world.log[0] ?? '', /cannot be written to, states are kept in memory/);
    assert.equal(world.destinations[0]?.health.dirty, true, 'nothing is lost in memory');
  });

  test('stop writes the remaining states, and returns in time when the store hangs', async () => {
    const world = setUp();
    await world.flusher.start();
    world.change(1, 'inactive');
    await world.flusher.stop();
    assert.deepEqual(world.saved.map(brief), [['2 inactive']]);

    await world.flusher.start();
    world.answer = () => new Promise(() => {});
    world.change(1, 'active');
    const stopped = world.flusher.stop();
    await world.clock.advanceAsync(5000);
    await stopped;
    assert.match(world.log.at(-1) ?? '', /states are lost/);
    assert.equal(world.clock.pending, 0);
  });

  test('changes made before the start are not forgotten', async () => {
    const world = setUp();
    world.change(0, 'inactive');
    await world.flusher.start();
    await world.clock.advanceAsync(INTERVAL);
    assert.deepEqual(world.saved.map(brief), [['1 inactive']]);
    await world.flusher.stop();
  });

  test('many changes are written in several batches, and none twice', async () => {
    const world = setUp(12_000);
    await world.flusher.start();
    for (let i = 0; i < 12_000; i++) world.change(i, 'probing');
    let calls = 0;
    world.answer = async () => {
      if (++calls === 3) throw new SwitchyardError('STORE_UNREACHABLE', 'gone', { retryable: true });
    };
    await world.clock.advanceAsync(INTERVAL);
    await iterations();
    assert.deepEqual(
      world.saved.map((batch) => batch.length),
      [5000, 5000],
    );
    await world.clock.advanceAsync(1000);
    await iterations();
    assert.equal(world.saved.at(-1)?.length, 2000);
    assert.equal(world.flusher.counters.written, 12_000);
    await world.flusher.stop();
  });

  test('a table read with other states than those in memory is updated', async () => {
    const world = setUp();
    await world.flusher.start();
    world.change(1, 'inactive', false);
    assert.equal(world.flusher.pendingCount, 0);
    await world.flusher.tableRead();
    assert.equal(world.flusher.pendingCount, 1);
    await world.clock.advanceAsync(5000);
    assert.equal(world.flusher.lagMs, 5000);
    await world.clock.advanceAsync(INTERVAL);
    assert.deepEqual(world.saved.map(brief), [['2 inactive']]);
    assert.deepEqual([world.flusher.pendingCount, world.flusher.lagMs], [0, 0]);
    await world.flusher.stop();
  });
});

/** A flush of many destinations takes several event loop iterations. */
async function iterations(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}
