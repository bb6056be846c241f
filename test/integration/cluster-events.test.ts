import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection } from 'nats';
import { systemRandom } from '../../src/core/random.js';
import { EventIds, statusEvent } from '../../src/events/catalogue.js';
import { LocalCluster } from '../support/cluster/local-cluster.js';
import { orderFaults } from '../support/cluster/real-cluster.js';
import { storedEvents, storedNumbers } from '../support/cluster/stored.js';
import { flip, makeDestination } from '../support/event-fixtures.js';
import { delivered, NatsBench, settings, stream, withoutNats } from '../support/nats-fixtures.js';
import { until } from '../support/until.js';

suite('events of a cluster while no node runs', { skip: withoutNats, timeout: 60_000 }, () => {
  let cluster: LocalCluster;
  let client: NatsConnection;
  const address = (user: string) => cluster.gateways.uri(user);
  const set = (i: number, state: string, user: string) =>
    cluster.mi(i, 'ds_set_state', { state, group: '1', address: address(user) });

  before(async () => {
    cluster = await LocalCluster.start({ nodes: 2, gateways: 6, windowMs: 300, modparam: { ds_ping_interval: 0 } });
    client = await connect({ servers: cluster.nats?.url ?? '' });
  });
  after(async () => {
    await client.close();
    await cluster.stop();
  });

  test('an event that was stored before is not stored again after the duplicate window', async () => {
    for (const user of ['gw0', 'gw1', 'gw2']) assert.equal(await set(0, 'i', user), 'OK');
    assert.equal(await set(0, 'a', 'gw1'), 'OK');
    await until('stored', async () => (await storedEvents(client)).length === 4, { milliseconds: 5000 });
    // Both fail at the same time: there is no record of what the stream has stored.
    for (const relay of cluster.relays) await relay.close();
    await Promise.all(cluster.nodes.map((node) => node.stop()));
    for (const [edges, noted] of await storedNumbers(client, 'test')) assert.ok(noted < edges);
    await sleep(400);
    await cluster.add('n1');
    await cluster.add('n2');
    await cluster.ready([2, 3]);
    assert.equal(await set(2, 'a', 'gw0'), 'OK');
    await until('one more', async () => (await storedEvents(client)).length >= 5, { milliseconds: 5000 });
    await sleep(300);
    const events = await storedEvents(client);
    assert.deepEqual(orderFaults(events), []);
    assert.equal(events.length, 5);
  });

  test('nodes that leave in order note in the records which events are stored', async () => {
    assert.equal(await set(3, 'i', 'gw5'), 'OK');
    // Both leave at the same time: an event that neither has stored by then stays in the record for the next start.
    await until('stored', async () => (await storedEvents(client)).length === 6, { milliseconds: 5000 });
    await Promise.all([2, 3].map((i) => cluster.nodes[i]?.stop()));
    const numbers = await storedNumbers(client, 'test');
    assert.equal(numbers.length, 4);
    for (const [edges, noted, left] of numbers) assert.deepEqual([noted, left], [edges, 0]);
  });
});

suite('an event that the server reports as a duplicate', { skip: withoutNats, timeout: 30_000 }, () => {
  test('is stored again if the stream does not have the earlier message', async (context) => {
    const bench = new NatsBench(context);
    const server = await bench.server();
    const bus = bench.bus(settings(server.url, { jetstream: stream }));
    await bus.start();
    const ids = new EventIds('sw1', systemRandom);
    const destination = makeDestination({ setId: 1, uri: 'sip:10.0.0.1' });
    const next = () => statusEvent(flip(destination), ids);
    const [first, second, third] = [next(), next(), next()];
    bus.publish(first);
    await delivered(bus);
    const client = await bench.client(server.url);
    const manager = await client.jetstreamManager();
    const order = async () => {
      const consumer = await client.jetstream().consumers.get('DISPATCHER');
      const found: string[] = [];
      const { num_pending: left } = await consumer.info();
      for await (const message of await consumer.fetch({ max_messages: left, expires: 2000 })) {
        found.push(JSON.parse(message.string()).params.id);
        if (found.length === left) break;
      }
      return found;
    };
    // After a change of the stream's leader an id may remain whose message was lost.
    const { seq } = await client.jetstream().publish('opensips.E_DISPATCHER_STATUS.x.1', 'x', { msgID: second.id });
    await manager.streams.deleteMessage('DISPATCHER', seq);
    bus.publish(second);
    bus.publish(third);
    await delivered(bus);
    assert.deepEqual(await order(), [first.id, second.id, third.id]);
    // Events that are present are not stored twice.
    bus.publish(second);
    bus.publish(third);
    await delivered(bus);
    assert.deepEqual(await order(), [first.id, second.id, third.id]);
  });
});
