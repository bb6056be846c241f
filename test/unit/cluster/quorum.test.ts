import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedNats } from '../../support/cluster/simulated-nats.js';
import { SimulatedNode } from '../../support/cluster/simulated-node.js';
import { FakeClock } from '../../support/fake-clock.js';
import { seededRandom } from '../../support/partitions.js';

function cluster(count: number) {
  const clock = new FakeClock();
  const random = seededRandom(7);
  const nats = new SimulatedNats(clock, () => random.uint32() / 2 ** 32);
  /** Pairs "node uri" that get no answer. */
  const cut = new Set<string>();
  const world = { nats, random, size: 9, answers: (node: string, uri: string) => !cut.has(`${node} ${uri}`) };
  const nodes = Array.from({ length: count }, (_, i) => new SimulatedNode(world, `n${i + 1}`, { verdict: 'quorum' }));
  clock.advance(5000);
  const [first] = nodes as [SimulatedNode];
  const destination = first.destinations[0]!;
  const uri = destination.row.uri;
  const owner = nodes.find(({ node }) => node.owners.owns(destination))!;
  const states = () => nodes.map((each) => each.destinations[0]!.health.state);
  const others = () => nodes.filter((each) => each !== owner);
  return { clock, nats, nodes, cut, uri, owner, others, states };
}

test('a destination that only its owner cannot reach stays in use at the other nodes, which probe it for a while', () => {
  const { clock, nats, nodes, cut, uri, owner, others, states } = cluster(3);
  cut.add(`${owner.name} ${uri}`);
  clock.advance(6000);
  assert.equal(owner.destinations[0]!.health.state, 'probing', 'out of use at the node that cannot reach it');
  assert.deepEqual(
    others().map((each) => each.destinations[0]!.health.state),
    ['active', 'active'],
  );
  assert.deepEqual(nats.events, []);
  assert.equal(owner.node.counters.disagreements, 1);
  const next = nodes.filter((each) => each.node.owners.owns(each.destinations[0]!));
  assert.equal(next.length, 1);
  assert.notEqual(next[0], owner);
  // The node reaches it again: after ten intervals it uses and owns the destination as before.
  cut.clear();
  clock.advance(20_000);
  assert.deepEqual(states(), ['active', 'active', 'active']);
  assert.equal(owner.node.owners.owns(owner.destinations[0]!), true);
});

test('a destination that two of three nodes cannot reach is switched off for all', () => {
  const { clock, nats, cut, uri, owner, others, states } = cluster(3);
  cut.add(`${owner.name} ${uri}`);
  cut.add(`${others()[0]!.name} ${uri}`);
  clock.advance(6000);
  assert.deepEqual(states(), ['probing', 'probing', 'probing']);
  assert.equal(nats.events.length, 1);
});

test('with two nodes the owner of a destination decides its state alone', () => {
  const { clock, cut, uri, owner, states } = cluster(2);
  cut.add(`${owner.name} ${uri}`);
  clock.advance(6000);
  assert.deepEqual(states(), ['probing', 'probing']);
});

test('a gateway that dies together with the node that probes it is found by the next one', () => {
  const { clock, nats, nodes, cut, uri, owner } = cluster(3);
  for (const { name } of nodes) cut.add(`${name} ${uri}`);
  clock.advance(1900);
  owner.kill();
  clock.advance(4500);
  const live = nodes.filter((each) => each !== owner);
  assert.deepEqual(
    live.map((each) => each.destinations[0]!.health.state),
    ['probing', 'probing'],
  );
  assert.equal(nats.events.length, 1);
});

test('calls that fail at a node avoid the destination there, and its owner probes at once and decides', () => {
  const { clock, nats, cut, uri, owner, others } = cluster(3);
  const [caller] = others() as [SimulatedNode];
  const before = owner.probes.get(uri) ?? 0;
  for (let i = 0; i < 3; i++) caller.callFailed(uri);
  assert.equal(caller.destinations[0]!.health.state, 'probing');
  clock.advance(400);
  assert.ok((owner.probes.get(uri) ?? 0) > before, 'the owner has looked');
  assert.equal(owner.destinations[0]!.health.state, 'active');
  clock.advance(3000);
  assert.equal(caller.destinations[0]!.health.state, 'active', 'the owner found nothing');
  assert.deepEqual(nats.events, []);
  // Now the gateway fails for all nodes.
  for (const name of ['n1', 'n2', 'n3']) cut.add(`${name} ${uri}`);
  for (let i = 0; i < 3; i++) caller.callFailed(uri);
  clock.advance(5000);
  assert.equal(owner.destinations[0]!.health.state, 'probing');
  assert.equal(nats.events.length, 1);
});
