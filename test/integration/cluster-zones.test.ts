import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { connect, type NatsConnection } from 'nats';
import { LocalCluster } from '../support/cluster/local-cluster.js';
import { storedEvents } from '../support/cluster/stored.js';
import { withoutNats } from '../support/nats-fixtures.js';
import { until } from '../support/until.js';

suite('nodes of two zones', { skip: withoutNats, timeout: 60_000 }, () => {
  let cluster: LocalCluster;
  let client: NatsConnection;
  const states = (user: string) => [0, 1].map((i) => cluster.states(i).get(user));

  before(async () => {
    cluster = await LocalCluster.start({
      nodes: 2,
      gateways: 4,
      cluster: { verdict: 'zone' },
      each: (i) => ({ zone: ['fra1', 'ams1'][i] ?? '' }),
    });
    client = await connect({ servers: cluster.nats?.url ?? '' });
  });
  after(async () => {
    await client.close();
    await cluster.stop();
  });

  test('every gateway is probed by both zones', async () => {
    const seen = new Set<string>();
    cluster.gateways.onRequest = (user, port) => {
      seen.add(`${user} ${cluster.nodes.findIndex(({ sipPort }) => sipPort === port)}`);
    };
    await until('probed from both', () => seen.size === 8 && ![...seen].some((each) => each.endsWith('-1')), {
      milliseconds: 10_000,
    });
  });

  test('a gateway that one zone cannot reach is out of use in that zone only', async () => {
    const near = cluster.nodes[0]?.sipPort;
    cluster.gateways.onRequest = (user, port) => {
      cluster.gateways.status.set(user, user === 'gw1' && port === near ? 503 : 200);
    };
    await until('probing at one', () => `${states('gw1')}` === 'probing,active', { milliseconds: 10_000 });
    cluster.gateways.onRequest = (user) => {
      cluster.gateways.status.set(user, 200);
    };
    await until('active at both', () => `${states('gw1')}` === 'active,active', { milliseconds: 10_000 });
    await until('two events', async () => (await storedEvents(client)).length === 2, { milliseconds: 10_000 });
    const ids = (await storedEvents(client)).map(({ id }) => String(id));
    for (const id of ids) assert.match(id, /^test:[0-9a-f]{16}-fra1:/);
  });

  test('a state that an operator sets in one zone counts in both, and is committed for both when the answer is sent', async () => {
    const address = cluster.gateways.uri('gw2');
    assert.equal(await cluster.mi(1, 'ds_set_state', { state: 'i', group: '1', address }), 'OK');
    await until('inactive at both', () => `${states('gw2')}` === 'inactive,inactive', { milliseconds: 10_000 });
    await cluster.mi(0, 'ds_set_state', { state: 'a', group: '1', address });
    await until('active at both', () => `${states('gw2')}` === 'active,active', { milliseconds: 10_000 });
  });
});
