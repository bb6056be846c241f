import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { connect } from 'nats';
import { LocalCluster } from '../support/cluster/local-cluster.js';
import { NatsServers } from '../support/cluster/nats-cluster.js';
import { withoutNats } from '../support/nats-fixtures.js';
import { until } from '../support/until.js';

suite('three nodes on three NATS servers', { skip: withoutNats, timeout: 120_000 }, () => {
  let servers: NatsServers;
  let cluster: LocalCluster;
  const state = (i: number, user: string) => cluster.states(i).get(user);
  const set = (i: number, user: string, to: string) =>
    cluster.mi(i, 'ds_set_state', { state: to, group: '1', address: cluster.gateways.uri(user) });
  /**
   * Longest time since this was called in which a gateway was not probed, except gateways that an operator disabled.
   */
  const gaps = () => {
    const users = cluster.users.filter((user) => user !== 'gw1' && user !== 'gw2');
    const last = new Map(users.map((user) => [user, performance.now()]));
    let longest = 0;
    cluster.gateways.onRequest = (user) => {
      if (!last.has(user)) return;
      const now = performance.now();
      longest = Math.max(longest, now - (last.get(user) ?? now));
      last.set(user, now);
    };
    return () => Math.max(longest, ...[...last.values()].map((at) => performance.now() - at));
  };

  before(async () => {
    servers = await NatsServers.start();
    cluster = await LocalCluster.start({ gateways: 12, servers: (i) => servers.from(i) });
  });
  after(async () => {
    await cluster?.stop();
    await servers?.stop();
    // Once the process did not exit after everything was stopped: this prints what keeps it alive, and the run
    // continues.
    setTimeout(() => {
      process.stderr.write(`still alive after all was stopped: ${process.getActiveResourcesInfo().join(' ')}\n`);
      process.exit();
    }, 20_000).unref();
  });

  test('the bucket has three copies; while it has no leader nodes decide at once, and commit when there is one again', async () => {
    const client = await connect({ servers: [...servers.from(0)], maxReconnectAttempts: -1 });
    const manager = await client.jetstreamManager({ timeout: 5000 });
    const { config, cluster: group } = await manager.streams.info('KV_SWITCHYARD_test');
    assert.equal(config.num_replicas, 3);
    const leader = Number(group?.leader?.slice(1));
    await client.close();
    const gap = gaps();
    await servers.kill(leader);
    const [i, j] = [(leader + 1) % 3, (leader + 2) % 3] as [number, number];
    const answer = set(i, 'gw1', 'i');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(state(i, 'gw1'), 'inactive', 'in force here at once');
    assert.match(String(await answer), /^OK/);
    await until('committed', () => [0, 1, 2].every((each) => state(each, 'gw1') === 'inactive'), {
      milliseconds: 20_000,
    });
    assert.ok(gap() < 3500, `a gateway was not probed for ${gap()} ms`);
    for (const each of cluster.nodes) assert.deepEqual(each.logged(/is gone/).length, 0);
    await servers.restart(leader);
    assert.equal(await set(j, 'gw1', 'a'), 'OK');
  });

  test('while two of three NATS servers are down nodes probe and decide, and agree when the servers are back', async () => {
    const gap = gaps();
    await Promise.all([servers.kill(1), servers.kill(2)]);
    await set(0, 'gw2', 'i');
    assert.equal(state(0, 'gw2'), 'inactive');
    await until(
      'reconnected',
      () => [0, 1, 2].every((each) => cluster.nodes[each]!.daemon.health().details['nats'] === 'connected'),
      { milliseconds: 10_000 },
    );
    await Promise.all([servers.restart(1), servers.restart(2)]);
    await until('agreed', () => [0, 1, 2].every((each) => state(each, 'gw2') === 'inactive'), { milliseconds: 40_000 });
    assert.ok(gap() < 4500, `a gateway was not probed for ${gap()} ms`);
    await cluster.ready(undefined, 30_000);
    assert.equal(await set(1, 'gw2', 'a'), 'OK');
  });
});
