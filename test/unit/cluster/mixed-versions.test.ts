import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedNats } from '../../support/cluster/simulated-nats.js';
import { SimulatedNode } from '../../support/cluster/simulated-node.js';
import { FakeClock } from '../../support/fake-clock.js';
import { seededRandom } from '../../support/partitions.js';

/** A node of the next protocol version: its heartbeats and records have fields that this version does not know. */
function ofNextVersion({ link }: SimulatedNode): void {
  const { publish, commit } = link;
  const more = (text: string, fields: object) => JSON.stringify({ ...JSON.parse(text), ...fields });
  link.publish = (kind, node, text) =>
    publish.call(link, kind, node, kind === 'hb' ? more(text, { pv: 2, region: 'eu' }) : text);
  link.commit = (key, text, expected, done) =>
    commit.call(link, key, key.startsWith('d.') ? more(text, { cost: 7 }) : text, expected, done);
}

test('nodes of this version of the protocol and of the next one share probes, states and events, and keep the fields of the next one', () => {
  const clock = new FakeClock();
  const random = seededRandom(9);
  const nats = new SimulatedNats(clock, () => random.uint32() / 2 ** 32);
  const down = new Set<string>();
  const world = { nats, random, size: 9, answers: (_node: string, uri: string) => !down.has(uri) };
  const nodes = ['n1', 'n2', 'n3'].map((name) => new SimulatedNode(world, name));
  ofNextVersion(nodes[1]!);
  clock.advance(6000);
  const uris = nodes[0]!.destinations.map(({ row }) => row.uri);
  for (const uri of uris) down.add(uri);
  clock.advance(8000);
  down.clear();
  clock.advance(8000);
  // An operator at an old node, and a node of the next version that is killed.
  nodes[0]!.operator(uris[0]!, 'inactive');
  clock.advance(1000);
  nodes[1]!.kill();
  clock.advance(6000);
  nodes[0]!.operator(uris[0]!, 'active');
  clock.advance(3000);
  const live = [nodes[0]!, nodes[2]!];
  for (const each of live) for (const { health } of each.destinations) assert.equal(health.state, 'active');
  for (const uri of uris) {
    const told = nats.events.filter(({ params }) => params['address'] === uri).map(({ params }) => params['seq']);
    assert.deepEqual(
      told,
      told.map((_, i) => i + 1),
      uri,
    );
    assert.equal(told.length, uri === uris[0] ? 4 : 2);
  }
  const records = [...nats.values].filter(([key]) => key.startsWith('d.')).map(([, { text }]) => JSON.parse(text));
  const known = records.filter(({ cost }) => cost === 7);
  assert.ok(known.length > 0);
  for (const record of records.filter(({ a }) => a === uris[0])) assert.equal(record.q, 4);
  assert.deepEqual(nats.faults, []);
});
