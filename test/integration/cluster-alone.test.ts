import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { connect, type NatsConnection } from 'nats';
import { LocalCluster } from '../support/cluster/local-cluster.js';
import { orderFaults } from '../support/cluster/real-cluster.js';
import { withoutNats } from '../support/nats-fixtures.js';
import { until } from '../support/until.js';

/** Status events of the stream, in order. */
async function stored(client: NatsConnection): Promise<Record<string, unknown>[]> {
  const manager = await client.jetstreamManager();
  const { state } = await manager.streams.info('DISPATCHER');
  const events: Record<string, unknown>[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage('DISPATCHER', { seq });
    const { method, params } = JSON.parse(new TextDecoder().decode(message.data));
    if (method === 'E_DISPATCHER_STATUS') events.push(params);
  }
  return events;
}

suite('a node that is cut off from the others', { skip: withoutNats, timeout: 90_000 }, () => {
  let cluster: LocalCluster;
  let client: NatsConnection;
  let dying = '';
  const state = (i: number, user: string) => cluster.states(i).get(user);
  const set = (i: number, user: string, to: string) =>
    cluster.mi(i, 'ds_set_state', { state: to, group: '1', address: cluster.gateways.uri(user) });
  const agree = () =>
    until(
      'all nodes agree',
      () => {
        const views = cluster.nodes.map((_, i) => JSON.stringify([...cluster.states(i)]));
        return new Set(views).size === 1;
      },
      { milliseconds: 6000 },
    );

  before(async () => {
    cluster = await LocalCluster.start({ gateways: 24 });
    client = await connect({ servers: cluster.nats?.url ?? '' });
  });
  after(async () => {
    await client.close();
    await cluster.stop();
  });

  test('counts itself as alone after three seconds, reports it, and decides states by itself', async () => {
    // When a node is alone it still probes its earlier share: one of these destinations fails.
    const list = JSON.stringify(await cluster.mi(0, 'ds_list', { full: 1 }));
    const own = [...list.matchAll(/sip:(gw\d+)@[^}]*?"owner":"n3"/g)].map(([, user]) => user as string);
    dying = own.find((user) => Number(user.slice(2)) > 7) ?? own.find((user) => user === 'gw4' || user === 'gw0') ?? '';
    assert.notEqual(dying, '', list);
    await cluster.relays[2]?.close();
    await until('alone', () => cluster.metric(2, 'switchyard_cluster_state') === 1, { milliseconds: 8000 });
    const { details, ready } = cluster.nodes[2]!.daemon.health();
    assert.deepEqual([ready, details['cluster']], [true, 'alone']);
    await until('given up by the others', () => cluster.metric(0, 'switchyard_cluster_nodes') === 2, {
      milliseconds: 4000,
    });
    assert.equal(await set(2, 'gw1', 'i'), 'OK, not shared yet');
    assert.deepEqual([state(2, 'gw1'), state(0, 'gw1')], ['inactive', 'active']);
    // Another operator changes the same destination, another one a different destination; and a gateway fails.
    assert.equal(await set(2, 'gw2', 'i'), 'OK, not shared yet');
    assert.equal(await set(0, 'gw2', 'p'), 'OK');
    assert.equal(await set(0, 'gw2', 'i'), 'OK');
    assert.equal(await set(0, 'gw2', 'a'), 'OK');
    assert.equal(await set(1, 'gw3', 'i'), 'OK');
    cluster.gateways.status.set(dying, 503);
    await until('found by both sides', () => [0, 2].every((i) => state(i, dying) === 'probing'), {
      milliseconds: 8000,
    });
    assert.equal(state(2, 'gw3'), 'active');
  });

  test('keeps, when it returns, the state set by its operator unless another operator set one later; states decided by other nodes stay', async () => {
    await cluster.relays[2]?.open();
    await cluster.ready(undefined, 15_000);
    await agree();
    assert.deepEqual(
      ['gw1', 'gw2', 'gw3', dying].map((user) => state(0, user)),
      ['inactive', 'active', 'inactive', 'probing'],
    );
    assert.equal(cluster.metric(2, 'switchyard_cluster_overlays'), 0);
    assert.equal(cluster.nodes[2]?.logged(/two operators have set/).length, 1);
    cluster.gateways.status.clear();
    await until('up again', () => state(1, dying) === 'active', { milliseconds: 6000 });
    await set(0, 'gw1', 'a');
    await set(1, 'gw3', 'a');
    await until('events', async () => (await stored(client)).length >= 8, { milliseconds: 5000 });
    assert.deepEqual(orderFaults(await stored(client)), []);
  });

  test('an empty NATS store is filled again with all records; event numbers continue, and no event is raised', async () => {
    await set(0, 'gw5', 'i');
    await agree();
    const seqOf = (i: number) =>
      cluster.nodes[i]!.daemon.engine.partition('')!.find(1, cluster.gateways.uri('gw5'))!.health.seq;
    const seq = seqOf(0);
    const manager = await client.jetstreamManager();
    // Its event is published by the owner, after the answer.
    const isStored = (event: Record<string, unknown>) =>
      event['address'] === cluster.gateways.uri('gw5') && event['status'] === 'inactive';
    await until('event of gw5', async () => (await stored(client)).some(isStored), { milliseconds: 5000 });
    const before = (await stored(client)).length;
    await manager.streams.delete('KV_SWITCHYARD_test');
    await set(1, 'gw6', 'i');
    await until(
      'made again',
      async () => {
        const { state: bucket } = await manager.streams.info('KV_SWITCHYARD_test');
        const keys: string[] = [];
        for (let at = bucket.first_seq; at <= bucket.last_seq; at++) {
          const found = await manager.streams.getMessage('KV_SWITCHYARD_test', { seq: at }).catch(() => undefined);
          if (found !== undefined) keys.push(found.subject);
        }
        return keys.filter((key) => key.includes('.d.')).length >= 6;
      },
      { milliseconds: 10_000 },
    );
    await agree();
    assert.equal(state(2, 'gw5'), 'inactive');
    assert.equal(await set(2, 'gw5', 'a'), 'OK');
    assert.equal(seqOf(2), seq + 1);
    await until('two events', async () => (await stored(client)).length === before + 2, { milliseconds: 15_000 });
    assert.deepEqual(orderFaults(await stored(client)), []);
  });

  test('a second node with the name of another one does not join', async () => {
    const twin = await cluster.add('n1');
    await until('refused', () => twin.daemon.health().details['cluster'] === 'refused', { milliseconds: 8000 });
    assert.equal(twin.logged(/another node is named n1/).length, 1);
    assert.equal(cluster.metric(0, 'switchyard_cluster_state'), 3);
    await set(0, 'gw7', 'i');
    await until('shared', () => state(1, 'gw7') === 'inactive', { milliseconds: 5000 });
  });
});
