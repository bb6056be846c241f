import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SHARED_BYTES } from '../../../src/workers/shared-layout.js';
import { LoadMeter, type Spent, WorkerLoads } from '../../../src/workers/worker-load.js';

/** A worker's meter, measured every 50 ms, and what the brain reads of it. */
function measured() {
  let now = 1000;
  let spent: Spent = { active: 0, slept: 0, cpu: 0 };
  let notified = 0;
  const memory = new ArrayBuffer(SHARED_BYTES);
  const meter = new LoadMeter({
    memory,
    worker: 2,
    now: () => now,
    spent: () => spent,
    notify: () => {
      notified++;
    },
  });
  const loads = new WorkerLoads(memory, () => now);
  meter.look(now, false);
  return {
    /** The load after a number of windows, in each of which it spent these parts of the time. */
    after(windows: number, part: Partial<Spent>, full = false): number | undefined {
      const { active = 0, slept = 0, cpu = 0 } = part;
      for (let i = 0; i < windows; i++) {
        now += 50;
        spent = { active: spent.active + 50 * active, slept: spent.slept + 50 * slept, cpu: spent.cpu + 50 * cpu };
        meter.look(now, full);
      }
      return loads.of(2);
    },
    notified: () => notified,
  };
}

test('a worker is as busy as its event loop is active, without the sleeps that collect datagrams', () => {
  const { after } = measured();
  assert.equal(after(2, { active: 0.8, slept: 0.3, cpu: 0.5 }), 0.5);
  assert.equal(after(2, { active: 1, cpu: 1 }), 1);
  assert.equal(after(2, { active: 0.3, cpu: 0.6 }), 0.3, 'compiling in other threads is not the load of this one');
});

test('time in which other programs have the processor is not load', () => {
  const { after, notified } = measured();
  assert.equal(after(20, { active: 0.95, cpu: 0.25 }), 0.25);
  assert.equal(after(2, { active: 1, cpu: 0.3 }, true), 0.3, 'datagrams that came meanwhile are read then');
  assert.equal(notified(), 0);
});

test('a worker that gets too little of the processors and leaves datagrams waiting is full, and the brain is notified', () => {
  const { after, notified } = measured();
  assert.equal(after(3, { active: 1, cpu: 0.4 }, true), 0.4);
  assert.equal(after(2, { active: 1, cpu: 0.4 }, true), 1);
  assert.equal(notified(), 1);
  assert.equal(after(2, { active: 0.5, cpu: 0.4 }), 0.4);
});
