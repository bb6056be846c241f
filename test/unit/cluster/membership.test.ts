import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Heartbeat } from '../../../src/cluster/heartbeat.js';
import { Membership } from '../../../src/cluster/membership.js';

function beat(inc: string, over: Partial<Heartbeat> = {}): Heartbeat {
  return { inc, pv: 1, phase: 'ready', gen: 'g', rev: 0, view: 0, tags: [], weight: 1, zone: '', ...over };
}

function joined() {
  const seen: string[] = [];
  const membership = new Membership({
    node: 'n1',
    inc: 'own',
    deadAfterMs: 1400,
    changed: (name, phase) => seen.push(`${name} ${phase}`),
  });
  membership.connectionUp(0);
  membership.received('n1', beat('own'), 0);
  membership.received('n2', beat('b'), 0);
  membership.received('n3', beat('c'), 0);
  return { membership, seen };
}

test('a peer whose heartbeats stop is dead, one that sends them is alive', () => {
  const { membership, seen } = joined();
  for (let now = 400; now <= 2400; now += 400) {
    membership.received('n1', beat('own'), now);
    membership.received('n2', beat('b'), now);
    membership.tick(now);
  }
  assert.deepEqual([...membership.others.keys()], ['n2']);
  assert.equal(seen.at(-1), 'n3 dead');
});

test('a node that does not receive its own heartbeats declares no other dead', () => {
  const { membership } = joined();
  assert.equal(membership.isCutOff(1001), true);
  assert.deepEqual(membership.tick(60_000), []);
  assert.equal(membership.others.size, 2);
});

test('a second after the connection came back all deadlines start again', () => {
  const { membership } = joined();
  membership.connectionDown(500);
  assert.deepEqual(membership.tick(9000), []);
  membership.connectionUp(9000);
  membership.received('n1', beat('own'), 9050);
  assert.deepEqual(membership.tick(9100), []);
  for (let now = 9400; now < 11_300; now += 400) membership.received('n1', beat('own'), now);
  assert.deepEqual(membership.tick(11_390), []);
  membership.received('n1', beat('own'), 11_400);
  assert.deepEqual([...membership.tick(11_500)].sort(), ['n2', 'n3']);
});

test('a node that announces its end is gone at once, unless another incarnation announces it', () => {
  const { membership } = joined();
  membership.left('n2', 'older');
  assert.equal(membership.others.has('n2'), true);
  const { version } = membership;
  membership.left('n2', 'b');
  assert.equal(membership.others.has('n2'), false);
  assert.ok(membership.version > version);
});

test('a second node with the name of this one is noticed', () => {
  const { membership } = joined();
  membership.received('n1', beat('other', { phase: 'joining' }), 300);
  assert.deepEqual(membership.twin, { inc: 'other', phase: 'joining', at: 300 });
  assert.equal(membership.others.has('n1'), false);
});

test('ownership depends on phase, weight and tags only', () => {
  const { membership } = joined();
  let { version } = membership;
  membership.received('n2', beat('b', { rev: 99, view: 7, gen: 'h' }), 400);
  assert.equal(membership.version, version);
  for (const over of [{ phase: 'draining' as const }, { weight: 3 }, { tags: ['vip'] }]) {
    membership.received('n2', beat('b', over), 500);
    assert.ok(membership.version > version, JSON.stringify(over));
    ({ version } = membership);
  }
});

test('all nodes that know the same live nodes have the same view', () => {
  const { membership } = joined();
  const other = new Membership({ node: 'n3', inc: 'c', deadAfterMs: 1400 });
  other.received('n2', beat('b'), 0);
  assert.notEqual(other.view, membership.view);
  other.received('n1', beat('own'), 0);
  assert.equal(other.view, membership.view);
});
