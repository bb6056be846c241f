import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedKey } from '../../../src/cluster/shared-key.js';
import { KeyRing } from '../../../src/core/key-ring.js';
import { SimulatedNats } from '../../support/cluster/simulated-nats.js';
import { SimulatedNode } from '../../support/cluster/simulated-node.js';
import { FakeClock } from '../../support/fake-clock.js';
import { seededRandom } from '../../support/partitions.js';

function start() {
  const clock = new FakeClock();
  const random = seededRandom(5);
  const nats = new SimulatedNats(clock, () => random.uint32() / 2 ** 32);
  const world = { nats, random, size: 3, answers: () => true };
  const join = (name: string, fixed = false) => {
    const ring = new KeyRing(`the first key of ${name}`, () => clock.now());
    const { node } = new SimulatedNode(world, name);
    new SharedKey(node, {
      get own() {
        return fixed ? undefined : ring.current;
      },
      adopt: (key) => void ring.use(key),
    });
    return ring;
  };
  return { clock, nats, join };
}

test('nodes come to have one key, and tokens of the one each began with stay accepted', () => {
  const { clock, join } = start();
  const rings = ['n1', 'n2', 'n3'].map((name) => join(name));
  clock.advance(6000);
  assert.equal(new Set(rings.map(({ current }) => current)).size, 1);
  assert.match(rings[0]!.current, /^the first key of n\d$/);
  for (const [i, ring] of rings.entries()) assert.ok(ring.some((key) => key === `the first key of n${i + 1}`));
  const late = join('n4');
  clock.advance(6000);
  assert.equal(late.current, rings[0]!.current);
});

test('a node whose settings give a secret neither gives its key nor takes one', () => {
  const { clock, nats, join } = start();
  const fixed = join('n1', true);
  clock.advance(6000);
  assert.equal(nats.values.has('k'), false);
  const other = join('n2');
  clock.advance(6000);
  assert.equal(other.current, 'the first key of n2');
  assert.equal(fixed.current, 'the first key of n1');
});

test('a text that is not a key is ignored', () => {
  const { clock, nats, join } = start();
  const ring = join('n1');
  clock.advance(6000);
  for (const text of ['', 'x', '{}', '{"key":1}', '{"key":"short"}', JSON.stringify({ key: 'x'.repeat(5000) })]) {
    nats.write('k', text, nats.values.get('k')?.revision ?? 0);
    clock.advance(500);
    assert.equal(ring.current, 'the first key of n1', text.slice(0, 40));
  }
});
