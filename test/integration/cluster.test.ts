import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { orderFaults, RealCluster, type RealNode } from '../support/cluster/real-cluster.js';
import { withoutNats } from '../support/nats-fixtures.js';
import { until } from '../support/until.js';

/** Probes of each gateway by source port, since the last clear. */
class Probes {
  readonly byUser = new Map<string, { at: number; port: number }[]>();

  constructor(cluster: RealCluster) {
    cluster.gateways.onRequest = (user, port) => {
      const list = this.byUser.get(user) ?? [];
      this.byUser.set(user, list);
      list.push({ at: performance.now(), port });
    };
  }

  clear(): void {
    this.byUser.clear();
  }

  of(user: string): readonly { at: number; port: number }[] {
    return this.byUser.get(user) ?? [];
  }
}

suite('three nodes on one NATS server', { skip: withoutNats, timeout: 90_000 }, () => {
  let cluster: RealCluster;
  let probes: Probes;
  const node = (name: string): RealNode => cluster.node(name);
  const states = async (state: string): Promise<string[]> =>
    Promise.all(
      cluster.live.map(async (each) => {
        const listed = (await each.listed()).filter((one) => one.state === state);
        return listed.map(({ uri }) => /^sip:([^@]*)/.exec(uri)?.[1]).join(' ');
      }),
    );

  before(async () => {
    cluster = await RealCluster.start({ gateways: 60 });
    probes = new Probes(cluster);
  });
  after(() => cluster.stop());

  test('each gateway is probed once an interval by one node, and the nodes have equal shares', async () => {
    await sleep(500);
    probes.clear();
    await sleep(3000);
    const shares = new Map<number, number>();
    for (const user of cluster.users) {
      const seen = probes.of(user);
      const ports = new Set(seen.map(({ port }) => port));
      assert.equal(ports.size, 1, `${user} is probed by ${ports.size} nodes`);
      assert.ok(seen.length >= 2 && seen.length <= 4, `${user} was probed ${seen.length} times in 3 s`);
      const [port] = ports as unknown as [number];
      shares.set(port, (shares.get(port) ?? 0) + 1);
    }
    assert.equal(shares.size, 3);
    // A hash of random ports: 20 on average, with a standard deviation of 3.7.
    for (const share of shares.values()) assert.ok(share >= 5 && share <= 36, `shares ${[...shares.values()]}`);
  });

  test('a state set at one node holds at all nodes when the command is answered, and each change raises one event', async () => {
    const address = cluster.gateways.uri('gw3');
    const set = (name: string, state: string) => node(name).mi('ds_set_state', { state, group: '1', address });
    assert.equal(await set('n1', 'i'), 'OK');
    await until('inactive at all', async () => (await states('Inactive')).every((each) => each === 'gw3'), {
      milliseconds: 1000,
    });
    assert.equal(await set('n3', 'a'), 'OK');
    await until('active at all', async () => (await states('Inactive')).every((each) => each === ''), {
      milliseconds: 1000,
    });
    await until('two events', () => cluster.events.length === 2, { milliseconds: 2000 });
    const ids = cluster.events.map(({ params }) => String(params['id']));
    assert.match(ids[0] ?? '', /^test:[0-9a-f]{16}:[0-9a-f]+:1$/);
    assert.equal(ids[1], ids[0]?.replace(/1$/, '2'));
  });

  test('a gateway that fails is noticed by its owner, probed by two other nodes, and one event is stored', async () => {
    const known = cluster.events.length;
    cluster.gateways.status.set('gw5', 503);
    await until('probing at all', async () => (await states('Probing')).every((each) => each === 'gw5'), {
      milliseconds: 6000,
    });
    cluster.gateways.status.delete('gw5');
    await until('active at all', async () => (await states('Probing')).every((each) => each === ''), {
      milliseconds: 6000,
    });
    await sleep(300);
    assert.equal(cluster.events.length, known + 2);
  });

  test('the share of a node that is killed is probed by the others within two seconds, without an event', async () => {
    const known = cluster.events.length;
    const owners = await cluster.owners();
    const lost = cluster.users.filter((user) => owners.get(user) === 'n2');
    assert.ok(lost.length > 0);
    await node('n2').kill();
    const killed = performance.now();
    probes.clear();
    await until('all probed again', () => lost.every((user) => probes.of(user).some(({ at }) => at > killed + 20)), {
      milliseconds: 5000,
    });
    const first = lost.map((user) => (probes.of(user).find(({ at }) => at > killed + 20)?.at ?? 0) - killed);
    assert.ok(Math.max(...first) < 2500, `the last one after ${Math.max(...first)} ms`);
    // The last event of the killed node may be sent again with the same id; the stream stores it once.
    const ids = new Set(cluster.events.slice(0, known).map(({ params }) => params['id']));
    assert.deepEqual(
      cluster.events.slice(known).filter(({ params }) => !ids.has(params['id'])),
      [],
    );
  });

  test('the share of a node that leaves is probed by the others at once', async () => {
    const owners = await cluster.owners();
    const lost = cluster.users.filter((user) => owners.get(user) === 'n3');
    const stopping = node('n3').stop();
    let left = 0;
    const [other] = cluster.nodes as [RealNode];
    await until(
      'it is gone',
      async () => {
        left = performance.now();
        return (await other.metric('switchyard_cluster_nodes')) === 1;
      },
      { milliseconds: 5000 },
    );
    probes.clear();
    await until('all probed', () => lost.every((user) => probes.of(user).length > 0), { milliseconds: 3000 });
    assert.ok(performance.now() - left < 2000, `all after ${performance.now() - left} ms`);
    await stopping;
    // Both missing nodes return at the same time.
    await Promise.all([node('n2').start(), node('n3').start()]);
    await cluster.ready();
  });

  test('while NATS is killed and restarted no event is lost, and no node is declared dead', async () => {
    const known = (await cluster.stored()).length;
    await cluster.nats?.kill();
    const address = cluster.gateways.uri('gw7');
    const answer = node('n1').mi('ds_set_state', { state: 'i', group: '1', address });
    await sleep(300);
    await cluster.nats?.restart();
    assert.match(String(await answer), /^OK/);
    await until('inactive at all', async () => (await states('Inactive')).every((each) => each === 'gw7'), {
      milliseconds: 8000,
    });
    assert.equal(await node('n2').mi('ds_set_state', { state: 'a', group: '1', address }), 'OK');
    await until('events', async () => (await cluster.stored()).length >= known + 2, { milliseconds: 8000 });
    for (const each of cluster.live)
      assert.doesNotMatch(each.child?.stderr.split('NATS connection lost')[1] ?? '', /is gone/);
    assert.deepEqual(orderFaults(await cluster.stored()), []);
  });

  test('a node whose process was stopped for a while loses its destinations, and joins again', async () => {
    node('n1').signal('SIGSTOP');
    await until('it is dead', async () => (await node('n2').metric('switchyard_cluster_nodes')) === 2, {
      milliseconds: 5000,
    });
    node('n1').signal('SIGCONT');
    await cluster.ready();
    assert.equal(await node('n1').metric('switchyard_cluster_fences_total'), 1);
  });

  test('in the end the stream has every event once and in order, and the nodes agree', async () => {
    assert.deepEqual(orderFaults(await cluster.stored()), []);
    const views = await Promise.all(cluster.live.map(async (each) => JSON.stringify(await each.listed())));
    assert.equal(new Set(views).size, 1);
  });
});
