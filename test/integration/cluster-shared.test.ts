import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendInvites } from '../support/cluster/calls.js';
import { LocalCluster } from '../support/cluster/local-cluster.js';
import { replaceRows } from '../support/daemon-fixture.js';
import { withoutNats } from '../support/nats-fixtures.js';
import { until } from '../support/until.js';

suite('what nodes of a cluster share besides states', { skip: withoutNats, timeout: 60_000 }, () => {
  let cluster: LocalCluster;
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-shared-'));
  const address = (user: string) => cluster.gateways.uri(user);
  /** Reloads, and waits until each node uses the result. */
  const loadedByAll = async (reload: () => Promise<unknown>): Promise<void> => {
    const snapshots = () => cluster.nodes.map(({ daemon }) => daemon.engine.partition('')!.snapshot);
    const before = snapshots();
    await reload();
    await until('loaded by all', () => snapshots().every((each, i) => each !== before[i]));
  };

  before(async () => {
    cluster = await LocalCluster.start({
      gateways: 6,
      dbUrl: `sqlite:${join(folder, 'db.sqlite')}`,
      cluster: { tags: { vip: { prefer: ['n2'], auto: true } } },
      settings: { routing: [{ select: { set: 1, alg: 4 } }] },
    });
  });
  after(async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('round robin begins with another destination at each node', async () => {
    const statuses = await sendInvites(
      cluster.nodes.map(({ sipPort }) => sipPort),
      3,
    );
    assert.deepEqual(statuses, [200, 200, 200]);
    const called = cluster.nodes.map(({ daemon }) => {
      const { destinations } = daemon.engine.partition('')!.snapshot.sets.get(1)!;
      return destinations.findIndex(({ health }) => health.hits > 0);
    });
    assert.deepEqual(called, [0, 2, 4]);
  });

  test('all nodes accept the tokens of dialogs that one node began', async () => {
    const keys = () => cluster.nodes.map(({ daemon }) => daemon.tokenKey);
    await until('one key', () => new Set(keys()).size === 1, { milliseconds: 3000 });
  });

  test('a reload at one node reloads all nodes, and its report names each', async () => {
    const rows = [...cluster.users, 'new'].map((user) => ({ setid: 1, destination: address(user) }));
    await replaceRows(cluster.nodes[0]!, 'default', rows);
    const report = (await cluster.mi(1, 'ds_reload', { report: 1 })) as {
      NODES: { default: Record<string, { rows?: number; at: number }> };
    };
    assert.deepEqual(Object.keys(report.NODES.default).sort(), ['n1', 'n2', 'n3']);
    assert.equal(report.NODES.default['n3']?.rows, 7);
    for (const i of [0, 1, 2]) assert.equal(cluster.states(i).get('new'), 'active');
  });

  test('a row added to the table by a command reaches all nodes; a row in memory is reported as local', async () => {
    const add = (user: string, persist: object) =>
      cluster.mi(0, 'ds_add', { partition: 'default', set: 1, uri: address(user), ...persist });
    assert.equal(await add('kept', { persist: 1 }), 'OK');
    await until('known to all', () => [0, 1, 2].every((i) => cluster.states(i).has('kept')), { milliseconds: 5000 });
    assert.equal(await add('here', {}), 'OK, at this node only');
    assert.equal(await cluster.mi(0, 'ds_reload', { cluster: 0 }), 'OK');
    assert.equal(cluster.states(0).has('here'), false);
  });

  test('a state set by an operator survives reloads of other nodes, in memory and in the table', async () => {
    assert.equal(await cluster.mi(0, 'ds_set_state', { state: 'i', group: '1', address: address('gw1') }), 'OK');
    await loadedByAll(() => cluster.mi(2, 'ds_reload'));
    for (const i of [0, 1, 2]) assert.equal(cluster.states(i).get('gw1'), 'inactive', `node ${i + 1}`);
    // Read from the table, to which one of them wrote.
    await loadedByAll(() => cluster.mi(1, 'ds_reload', { inherit_state: 'n' }));
    for (const i of [0, 1, 2]) assert.equal(cluster.states(i).get('gw1'), 'inactive', `node ${i + 1}`);
    await cluster.mi(1, 'ds_set_state', { state: 'a', group: '1', address: address('gw1') });
  });

  test('a command switches the probes of all nodes off and on', async () => {
    await cluster.mi(0, 'ds_ping_active', { state: 0 });
    await until(
      'off',
      async () => {
        const answer = (await cluster.mi(2, 'ds_ping_active')) as { PingState: number };
        return answer.PingState === 0;
      },
      { milliseconds: 3000 },
    );
    await cluster.mi(1, 'ds_ping_active', { state: 1 });
    await until('on', async () => ((await cluster.mi(0, 'ds_ping_active')) as { PingState: number }).PingState === 1, {
      milliseconds: 3000,
    });
  });

  test('a command switches the probes of one partition off and on at all nodes', async () => {
    const states = () =>
      Promise.all(
        cluster.nodes.map(async (_, i) => {
          const { PingState } = (await cluster.mi(i, 'ds_ping_active', { partition: 'default' })) as {
            PingState: number;
          };
          return PingState;
        }),
      );
    await cluster.mi(0, 'ds_ping_active', { state: 0, partition: 'default' });
    await until('off', async () => `${await states()}` === '0,0,0', { milliseconds: 3000 });
    assert.deepEqual(await cluster.mi(2, 'ds_ping_active'), { PingState: 1 });
    await cluster.mi(1, 'cluster_sync');
    assert.deepEqual(await states(), [0, 0, 0]);
    await cluster.mi(1, 'ds_ping_active', { state: 1, partition: 'default' });
    await until('on', async () => `${await states()}` === '1,1,1', { milliseconds: 3000 });
  });

  test('a tag has one holder, moves by a command, and goes to the preferred node when its holder is gone', async () => {
    const tag = async (i: number) => ((await cluster.mi(i, 'clusterer_list_shtags')) as { State: string }[])[0]?.State;
    const active = async () => (await Promise.all([0, 1, 2].map(tag))).map((state) => state === 'active');
    assert.equal((await active()).filter(Boolean).length, 1);
    assert.equal(await cluster.mi(2, 'clusterer_shtag_set_active', { tag: 'vip' }), 'OK');
    await until('n3 has it', async () => JSON.stringify(await active()) === '[false,false,true]', {
      milliseconds: 2000,
    });
    const scope = cluster.nodes[2]!.daemon;
    assert.equal(scope.metrics.prometheus().includes('switchyard_cluster_tag_active{tag="vip"} 1'), true);
    await cluster.relays[2]?.close();
    await until('n2 has it', async () => (await tag(1)) === 'active', { milliseconds: 6000 });
    await cluster.relays[2]?.open();
    await cluster.ready(undefined, 15_000);
    await until('n3 is a backup', async () => JSON.stringify(await active()) === '[false,true,false]', {
      milliseconds: 5000,
    });
  });

  test('a command runs on all nodes, and on one that is named', async () => {
    await cluster.ready();
    const answers = (await cluster.mi(0, 'cluster_broadcast_mi', { cmd_name: 'version' })) as Record<string, object>;
    assert.deepEqual(Object.keys(answers), ['n1', 'n2', 'n3']);
    const one = await cluster.mi(0, 'cluster_send_mi', { node: 'n3', cmd_name: 'cluster_list_shtags' });
    assert.equal(((one as { n3: { State: string }[] }).n3[0] as { State: string }).State, 'backup');
    await assert.rejects(cluster.mi(0, 'cluster_broadcast_mi', { cmd_name: 'cluster_broadcast_mi' }));
  });

  test('a drained node owns no destination, and still routes calls', async () => {
    assert.equal(await cluster.mi(1, 'cluster_drain', { on: 1 }), 'OK');
    await until(
      'nothing is its own',
      async () => {
        const list = (await cluster.mi(0, 'ds_list', { full: 1 })) as object;
        return !JSON.stringify(list).includes('"owner":"n2"');
      },
      { milliseconds: 3000 },
    );
    assert.equal(await cluster.mi(1, 'cluster_drain', { on: 0 }), 'OK');
    await cluster.ready();
  });
});

suite('each destination gets the call load that it has over all nodes', { skip: withoutNats, timeout: 60_000 }, () => {
  test('a bound of ten calls at each of two gateways holds for sixty calls at three nodes at once', async () => {
    const cluster = await LocalCluster.start({
      gateways: 2,
      row: (user) => ({ attrs: `duid=${user};maxload=10` }),
      modparam: { ds_hash_size: 8 },
      settings: {
        partitions: [{ name: 'gw', flavour: 'kamailio', db_url: 'text:./db' }],
        default: 'gw',
        routing: [{ select: { set: 1, alg: 10 } }],
      },
      partition: 'gw',
    });
    try {
      await sleep(1500);
      const statuses = await sendInvites(
        cluster.nodes.map(({ sipPort }) => sipPort),
        60,
      );
      const taken = statuses.filter((status) => status === 200).length;
      assert.ok(taken >= 20 && taken <= 22, `${taken} calls of 60 were taken`);
    } finally {
      await cluster.stop();
    }
  });
});
