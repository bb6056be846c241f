import { describe, test } from 'node:test';
import { FaultBench } from '../support/faults/bench.js';
import { daemonCrashes } from '../support/faults/daemon-crashes.js';

describe('faults: the daemon itself', () => {
  test('killed amid transitions and started again: readers of the stream miss no state, numbers go on', async (t) => {
    await daemonCrashes(new FaultBench(t), { kills: 3, seed: 20 });
  });
});
