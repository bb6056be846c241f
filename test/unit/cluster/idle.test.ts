import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedNats } from '../../support/cluster/simulated-nats.js';
import { SimulatedNode } from '../../support/cluster/simulated-node.js';
import { FakeClock } from '../../support/fake-clock.js';
import { seededRandom } from '../../support/partitions.js';

/** Heartbeats by node and time, of nodes that start at different times; `during` receives them after ten seconds. */
function heartbeats(names: readonly string[], heartbeatMs = 400) {
  const clock = new FakeClock();
  const random = seededRandom(3);
  const nats = new SimulatedNats(clock, () => random.uint32() / 2 ** 32);
  const world = { nats, random, size: 30, answers: () => true };
  const beats: { readonly at: number; readonly name: string }[] = [];
  const nodes = names.map((name, i) => {
    clock.advance(i === 0 ? 0 : 137);
    const node = new SimulatedNode(world, name, { heartbeatMs });
    const { link } = node;
    const publish = link.publish.bind(link);
    link.publish = (kind, of, text) => {
      if (kind === 'hb') beats.push({ at: clock.monotonic(), name: of });
      publish(kind, of, text);
    };
    return node;
  });
  clock.advance(10_000);
  return { clock, nodes, beats };
}

test('the nodes of a small cluster agree on one time for their heartbeats, and each sends as many as before', () => {
  const { clock, beats } = heartbeats(['n1', 'n2', 'n3']);
  beats.length = 0;
  clock.advance(10_000);
  const of = (wanted: string) => beats.filter(({ name }) => name === wanted).map(({ at }) => at);
  for (const name of ['n1', 'n2', 'n3']) {
    assert.ok(of(name).length >= 24 && of(name).length <= 28, `${name}: ${of(name).length}`);
    for (const at of of('n1').slice(1, -1)) {
      const nearest = Math.min(...of(name).map((each) => Math.abs(each - at)));
      assert.ok(nearest <= 50, `${name}: ${nearest} ms from a heartbeat of n1`);
    }
  }
});

test('the longer ticks of an idle node do not delay its heartbeats', () => {
  for (const heartbeatMs of [100, 250, 400, 500, 700]) {
    const { clock, beats } = heartbeats(['n1'], heartbeatMs);
    beats.length = 0;
    clock.advance(10_000);
    const gaps = beats.slice(1).map(({ at }, i) => at - (beats[i]?.at ?? 0));
    assert.ok(Math.max(...gaps) <= heartbeatMs + 50, `${heartbeatMs}: ${Math.max(...gaps)}`);
  }
});

test('a node ticks five times a second while idle, and ten times while a heartbeat is late', () => {
  const { clock, nodes } = heartbeats(['n1', 'n2']);
  let ticks = 0;
  nodes[0]?.node.onTick(() => ticks++);
  clock.advance(10_000);
  assert.ok(ticks >= 48 && ticks <= 58, `${ticks} in ten seconds`);
  nodes[1]?.kill();
  clock.advance(700);
  ticks = 0;
  clock.advance(500);
  assert.ok(ticks >= 4, `${ticks} in half a second`);
});

test('a heartbeat with the same text as the one before counts as well', () => {
  const { clock, nodes } = heartbeats(['n1', 'n2']);
  clock.advance(60_000);
  assert.deepEqual([...(nodes[0]?.node.membership.others.keys() ?? [])], ['n2']);
});
