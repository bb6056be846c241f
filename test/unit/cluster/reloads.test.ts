import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Questions } from '../../../src/cluster/questions.js';
import { Reloads } from '../../../src/cluster/reloads.js';
import { SimulatedNats } from '../../support/cluster/simulated-nats.js';
import { SimulatedNode } from '../../support/cluster/simulated-node.js';
import { FakeClock } from '../../support/fake-clock.js';
import { seededRandom } from '../../support/partitions.js';

/** Nodes whose loads take `loadMs`; the maximum number of concurrent loads, and when each was complete. */
function cluster(count: number, loadMs: number, fails: (name: string) => boolean = () => false) {
  const clock = new FakeClock();
  const random = seededRandom(11);
  const nats = new SimulatedNats(clock, () => random.uint32() / 2 ** 32);
  const world = { nats, random, size: 3, answers: () => true };
  const seen = { loading: 0, max: 0, done: new Map<string, number>() };
  const nodes = Array.from({ length: count }, (_, i) => {
    const node = new SimulatedNode(world, `n${i + 1}`);
    const reloads = new Reloads(node.node, new Questions(node.node), {
      partitions: () => ['default'],
      load: () =>
        new Promise((resolve, reject) => {
          seen.max = Math.max(seen.max, ++seen.loading);
          clock.schedule(loadMs, () => {
            seen.loading--;
            if (fails(node.name)) return reject(new Error('database is away'));
            seen.done.set(node.name, clock.monotonic());
            resolve({ rows: 3 });
          });
        }),
    });
    return { node, reloads };
  });
  clock.advance(6000);
  const advance = async (ms: number) => {
    for (let at = 0; at < ms; at += 50) {
      clock.advance(50);
      await new Promise(setImmediate);
    }
  };
  const spread = () => {
    const began = clock.monotonic();
    nodes[0]!.reloads.spread('default', () => {});
    return began;
  };
  return { clock, nodes, seen, advance, spread };
}

test('at most three of many nodes load at a time', async () => {
  const { seen, advance, spread } = cluster(13, 1400);
  spread();
  await advance(12_000);
  assert.equal(seen.done.size, 12);
  assert.ok(seen.max <= 3, `${seen.max} at a time`);
});

test('each of few nodes has loaded after the longest delay and the time of its own load', async () => {
  const { seen, advance, spread } = cluster(3, 100);
  const began = spread();
  await advance(3000);
  assert.equal(seen.done.size, 2);
  assert.ok(Math.max(...seen.done.values()) - began < 2000 + 100 + 200);
});

test('a node that dies or fails during its load does not delay the others', async () => {
  const { nodes, seen, advance, spread } = cluster(13, 1400, (name) => name === 'n5');
  spread();
  await advance(700);
  nodes[3]!.node.kill();
  await advance(20_000);
  assert.equal(seen.done.size, 10);
});

test('a node whose load fails tries again, and says that it is behind', async () => {
  let broken = true;
  const { nodes, seen, advance, spread } = cluster(3, 100, (name) => broken && name === 'n2');
  spread();
  await advance(5000);
  const { asked, at, error } = nodes[1]!.reloads.report('default');
  assert.deepEqual([asked, at, error], [1, 0, 'database is away']);
  broken = false;
  await advance(15_000);
  assert.ok(seen.done.has('n2'));
  assert.equal(nodes[1]!.reloads.report('default').at, 1);
});
