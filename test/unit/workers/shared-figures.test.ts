import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedFigures } from '../../../src/workers/shared-figures.js';
import { SHARED_BYTES } from '../../../src/workers/shared-layout.js';

test('each process sees the transactions of all others, until they end', () => {
  const memory = new ArrayBuffer(SHARED_BYTES);
  const [brain, first, second] = [0, 1, 2].map((process) => new SharedFigures(memory, process, 2)) as [
    SharedFigures,
    SharedFigures,
    SharedFigures,
  ];
  const shown = ({ servers, clients, unanswered, surplus }: SharedFigures) => [servers, clients, unanswered, surplus];
  first.set({ servers: 1, clients: 2, unanswered: 3, surplus: 4 });
  second.set({ servers: 10, clients: 20, unanswered: 30, surplus: 40 });
  brain.set({ servers: 100, clients: 200, unanswered: 300, surplus: 400 });
  assert.deepEqual([brain, first, second].map(shown), [
    [11, 22, 33, 44],
    [110, 220, 330, 440],
    [101, 202, 303, 404],
  ]);
  brain.set(undefined, 2);
  assert.deepEqual(shown(brain), [1, 2, 3, 4]);
  assert.deepEqual(shown(first), [100, 200, 300, 400]);
});
