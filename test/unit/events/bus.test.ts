import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventBus } from '../../../src/events/bus.js';
import type { DispatcherEvent } from '../../../src/events/event.js';

test('listeners get each event in order; one that throws does not affect the others', () => {
  const faults: unknown[] = [];
  const bus = new EventBus((error) => faults.push(error));
  const received: string[] = [];
  bus.on(() => {
    throw new Error('mine');
  });
  const off = bus.on((event) => received.push(event.id));
  bus.raise({ id: 'a' } as DispatcherEvent);
  bus.raise({ id: 'b' } as DispatcherEvent);
  off();
  bus.raise({ id: 'c' } as DispatcherEvent);
  assert.deepEqual(received, ['a', 'b']);
  assert.equal(faults.length, 3);
});
