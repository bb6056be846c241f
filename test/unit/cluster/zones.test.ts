import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedNats } from '../../support/cluster/simulated-nats.js';
import { SimulatedNode } from '../../support/cluster/simulated-node.js';
import { FakeClock } from '../../support/fake-clock.js';
import { seededRandom } from '../../support/partitions.js';

const ZONE = { a1: 'a', a2: 'a', b1: 'b', b2: 'b' } as const;

function cluster() {
  const clock = new FakeClock();
  const random = seededRandom(5);
  const nats = new SimulatedNats(clock, () => random.uint32() / 2 ** 32);
  /** Zones from which a URI cannot be reached. */
  const cut = new Set<string>();
  const world = {
    nats,
    random,
    size: 9,
    answers: (node: string, uri: string) => !cut.has(`${ZONE[node as keyof typeof ZONE]} ${uri}`),
  };
  const start = (name: keyof typeof ZONE) => new SimulatedNode(world, name, { verdict: 'zone', zone: ZONE[name] });
  const nodes = new Map((Object.keys(ZONE) as (keyof typeof ZONE)[]).map((name) => [name, start(name)]));
  clock.advance(5000);
  const uris = nodes.get('a1')!.destinations.map(({ row }) => row.uri);
  const stateAt = (name: keyof typeof ZONE, i: number) => nodes.get(name)!.destinations[i]!.health.state;
  const states = (i: number) => (Object.keys(ZONE) as (keyof typeof ZONE)[]).map((name) => stateAt(name, i)).join(' ');
  const owners = (i: number) =>
    [...nodes].filter(([, { node, destinations }]) => node.owners.owns(destinations[i]!)).map(([name]) => name);
  return { clock, nats, nodes, start, cut, uris, states, owners };
}

test('each zone has an owner of each destination, and probes it', () => {
  const { uris, owners } = cluster();
  for (const [i] of uris.entries()) {
    const zones = owners(i).map((name) => ZONE[name]);
    assert.deepEqual(zones.sort(), ['a', 'b']);
  }
});

test('a destination that one zone cannot reach is out of use in that zone only; events of each zone have their own numbers', () => {
  const { clock, nats, cut, uris, states } = cluster();
  cut.add(`a ${uris[2]}`);
  clock.advance(6000);
  assert.equal(states(2), 'probing probing active active');
  cut.clear();
  clock.advance(6000);
  assert.equal(states(2), 'active active active active');
  cut.add(`b ${uris[2]}`);
  clock.advance(6000);
  assert.equal(states(2), 'active active probing probing');
  const events = nats.events.map(({ id, params }) => [id.split(':')[1]?.slice(16), params['seq'], params['status']]);
  assert.deepEqual(events, [
    ['-a', 1, 'inactive'],
    ['-a', 2, 'active'],
    ['-b', 1, 'inactive'],
  ]);
});

test("an operator's state counts in all zones, and no probe of any zone undoes it", () => {
  const { clock, nodes, cut, uris, states } = cluster();
  cut.add(`b ${uris[1]}`);
  nodes.get('a1')!.operator(uris[1]!, 'inactive');
  clock.advance(8000);
  assert.equal(states(1), 'inactive inactive inactive inactive');
  cut.clear();
  nodes.get('b2')!.operator(uris[1]!, 'active');
  clock.advance(2000);
  assert.equal(states(1), 'active active active active');
});

test("an operator's state reaches a zone whose nodes were all away when it was set", () => {
  const { clock, nodes, start, uris, states } = cluster();
  for (const name of ['b1', 'b2'] as const) nodes.get(name)!.kill();
  clock.advance(3000);
  nodes.get('a2')!.operator(uris[4]!, 'inactive');
  clock.advance(2000);
  for (const name of ['b1', 'b2'] as const) nodes.set(name, start(name));
  clock.advance(6000);
  assert.equal(states(4), 'inactive inactive inactive inactive');
});

test('a state of an operator whose node could write it for its own zone only reaches the other zones too', () => {
  const { clock, nats, nodes, uris, states } = cluster();
  nats.refuses = (key) => key.endsWith('-b');
  nodes.get('a1')!.operator(uris[3]!, 'inactive');
  clock.advance(1000);
  assert.equal(states(3), 'inactive inactive active active');
  nodes.get('a1')!.kill();
  nodes.delete('a1');
  nats.refuses = () => false;
  clock.advance(6000);
  assert.deepEqual(
    [...nodes.values()].map(({ destinations }) => destinations[3]!.health.state),
    ['inactive', 'inactive', 'inactive'],
  );
});

test('the destinations of a node that dies go to nodes of its zone', () => {
  const { clock, nodes, cut, uris, owners } = cluster();
  const i = uris.findIndex((_, each) => owners(each).includes('a1'));
  nodes.get('a1')!.kill();
  nodes.delete('a1');
  clock.advance(2500);
  assert.deepEqual(
    owners(i)
      .map((name) => ZONE[name])
      .sort(),
    ['a', 'b'],
  );
  cut.add(`a ${uris[i]}`);
  clock.advance(6000);
  assert.equal(nodes.get('a2')!.destinations[i]!.health.state, 'probing');
  assert.equal(nodes.get('b1')!.destinations[i]!.health.state, 'active');
});
