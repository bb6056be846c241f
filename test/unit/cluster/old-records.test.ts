import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OldRecords } from '../../../src/cluster/old-records.js';
import { SimulatedNats } from '../../support/cluster/simulated-nats.js';
import { SimulatedNode } from '../../support/cluster/simulated-node.js';
import { FakeClock } from '../../support/fake-clock.js';
import { seededRandom } from '../../support/partitions.js';

const DAY = 24 * 3600 * 1000;

function start(loaded: (partition: string) => boolean = () => true) {
  const clock = new FakeClock();
  const random = seededRandom(5);
  const nats = new SimulatedNats(clock, () => random.uint32() / 2 ** 32);
  const world = { nats, random, size: 3, answers: () => true };
  const nodes = [1, 2].map((i) => new SimulatedNode(world, `n${i}`));
  for (const { node } of nodes) new OldRecords(node, loaded, 5000);
  clock.advance(6000);
  const put = (key: string, days: number, more: object = {}) => {
    const t = new Date(clock.now() - days * DAY).toISOString();
    const record = { v: 3, a: 'sip:x', s: '', st: 'active', q: 2, t, r: '', w: 'n9', told: 2, ev: [], ...more };
    nats.write(key, JSON.stringify(record), nats.values.get(key)?.revision ?? 0);
    clock.advance(100);
  };
  const left = (key: string) => (nats.values.get(key)?.text ?? '') !== '';
  return { clock, nats, nodes, put, left };
}

test('the record of a destination that is in no row is removed a week after its last change', () => {
  const { clock, nodes, put, left } = start();
  put('d.default.9.0123456789abcdef', 8);
  put('d.default.9.fedcba9876543210', 6);
  clock.advance(4000);
  assert.ok(left('d.default.9.0123456789abcdef'), 'rows may be in the middle of a change');
  clock.advance(12_000);
  assert.ok(!left('d.default.9.0123456789abcdef'));
  assert.ok(left('d.default.9.fedcba9876543210'));
  for (const { node } of nodes)
    assert.equal(node.records.entries.get('d.default.9.0123456789abcdef')?.record, undefined);
});

test('a record with an event that may not be stored stays, and so does the record of an existing destination', () => {
  const { clock, nodes, put, left } = start();
  const t = new Date(clock.now()).toISOString();
  const edge = { q: 2, st: 'active', pv: 'inactive', s: 'active', t, r: '', n: 'n1', g: 'x' };
  put('d.default.9.0123456789abcdef', 8, { told: 1, ev: [edge] });
  const own = nodes[0]!.node.entryOf(nodes[0]!.destinations[0]!).key;
  put(own, 30);
  clock.advance(20_000);
  assert.ok(left('d.default.9.0123456789abcdef'));
  assert.ok(left(own));
});

test('the record of another zone stays as long as rows hold its destination', () => {
  const { clock, nodes, put, left } = start();
  const own = nodes[0]!.node.entryOf(nodes[0]!.destinations[0]!).key;
  put(`${own}-fra1`, 30);
  put('d.default.9.0123456789abcdef-fra1', 30);
  clock.advance(20_000);
  assert.ok(left(`${own}-fra1`));
  assert.ok(!left('d.default.9.0123456789abcdef-fra1'));
});

test('a node keeps no records of partitions that it has not loaded', () => {
  const { nodes, put } = start();
  put('d.elsewhere.9.0123456789abcdef', 1);
  for (const { node } of nodes) assert.equal(node.records.entries.has('d.elsewhere.9.0123456789abcdef'), false);
});
