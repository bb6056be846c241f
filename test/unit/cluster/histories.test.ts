import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Kind, runHistory } from '../../support/cluster/simulation.js';

/** A small number of seeds; `npm run soak -- --only cluster-histories` runs thousands. */
const SEEDS = 25;

const MIXES: Readonly<Record<string, readonly Kind[]>> = {
  'nodes die and come back': ['gateway', 'operator', 'kill', 'start', 'stop'],
  'nodes are cut off': ['gateway', 'operator', 'cut', 'side'],
  'nodes stand still': ['gateway', 'operator', 'sleep'],
  'nothing can be committed for a while': ['gateway', 'operator', 'jetstream'],
  'the bucket is lost': ['gateway', 'operator', 'wipe'],
  'messages are late and get lost': ['gateway', 'operator', 'loss', 'slow'],
};

suite('after every random history all nodes agree, each event is stored once and in order, and nothing waits', () => {
  for (const [name, kinds] of Object.entries(MIXES)) {
    test(name, () => {
      for (let seed = 1; seed <= SEEDS; seed++) assert.deepEqual(runHistory(seed, { kinds }), [], `seed ${seed}`);
    });
  }

  test('all nodes agree after histories that once made them disagree', () => {
    // A bucket that was lost twice while the only node that knew it was disconnected; and one whose new revisions
    // equalled old ones.
    for (const seed of [700_096, 700_143, 7_005_179]) {
      assert.deepEqual(runHistory(seed, { steps: 20, nodes: 3 + (seed % 3) }), [], `seed ${seed}`);
    }
  });

  test('each zone decides states by itself; an operator’s command holds in all zones', () => {
    const zones = ['a', 'b'];
    for (let seed = 1; seed <= SEEDS; seed++) assert.deepEqual(runHistory(seed, { zones }), [], `seed ${seed}`);
    // Orders that reached only one of three zones: their nodes stopped, or the bucket accepted nothing.
    for (const seed of [20_751, 21_033]) {
      assert.deepEqual(runHistory(seed, { zones: ['a', 'b', 'c'], steps: 20 }), [], `seed ${seed}`);
    }
  });

  test('the generated histories contain every kind of fault', () => {
    for (let seed = 1; seed <= 2 * SEEDS; seed++) assert.deepEqual(runHistory(seed), [], `seed ${seed}`);
  });
});
