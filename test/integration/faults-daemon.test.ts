import { describe, test } from 'node:test';
import { FaultBench } from '../support/faults/bench.js';
import { daemonCrashes } from '../support/faults/daemon-crashes.js';

describe('faults: the daemon itself', () => {
  test('after the daemon is killed amid transitions and started again, the stream has every state, and event numbers continue', async (t) => {
    await daemonCrashes(new FaultBench(t), { kills: 3, seed: 20 });
  });
});
