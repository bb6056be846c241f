import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'nats';
import { stateKey } from '../../../src/events/state-entry.js';
import { until } from '../until.js';
import { sendInvites } from './calls.js';
import { LocalCluster } from './local-cluster.js';
import { NatsServers } from './nats-cluster.js';
import { orderFaults, RealCluster, type RealNode } from './real-cluster.js';
import { storedEvents } from './stored.js';

/** How often each gateway was probed, by how many nodes, and how even the shares are. */
export async function probeCounts(options: { gateways: number; seconds: number }): Promise<object> {
  const cluster = await RealCluster.start({ gateways: options.gateways });
  try {
    await sleep(2000);
    const counts = new Map<string, number>();
    const ports = new Map<string, Set<number>>();
    const perNode = new Map<number, number>();
    cluster.gateways.onRequest = (user, port) => {
      counts.set(user, (counts.get(user) ?? 0) + 1);
      ports.set(user, (ports.get(user) ?? new Set()).add(port));
    };
    await sleep(options.seconds * 1000);
    cluster.gateways.onRequest = () => {};
    for (const [user, each] of ports) {
      assert.equal(each.size, 1, `${user} was probed by ${each.size} nodes`);
      for (const port of each) perNode.set(port, (perNode.get(port) ?? 0) + 1);
    }
    assert.equal(counts.size, options.gateways);
    const shares = [...perNode.values()].map((count) => Math.round((100 * count) / options.gateways));
    return { least: Math.min(...counts.values()), max: Math.max(...counts.values()), sharesPercent: shares };
  } finally {
    await cluster.stop();
  }
}

/**
 * Milliseconds a node needs to join a cluster in which each destination has a record; whether it accepts calls
 * meanwhile.
 */
export async function joins(options: { records: number }): Promise<object> {
  const cluster = await RealCluster.start({ gateways: options.records, modparam: { ds_ping_interval: 0 } });
  try {
    const late = cluster.node('n3');
    await late.stop();
    const jetstream = cluster.client.jetstream();
    const t = new Date().toISOString();
    let waiting: Promise<unknown>[] = [];
    for (const user of cluster.users) {
      const address = cluster.gateways.uri(user);
      const key = stateKey({ partition: 'default', group: 1, address, socket: '' });
      const state = user === 'gw0' ? 'active' : 'inactive';
      const op = state === 'active' ? {} : { op: { st: state, by: 'mi' }, ov: 1 };
      const record = { v: 1, a: address, s: '', st: state, q: 2, ...op, t, r: 'MI command', w: 'n1', told: 2, ev: [] };
      waiting.push(jetstream.publish(`$KV.SWITCHYARD_test.d.${key}`, JSON.stringify(record)));
      if (waiting.length === 200) {
        await Promise.all(waiting);
        waiting = [];
      }
    }
    await Promise.all(waiting);
    await sleep(1500);
    const spawned = performance.now();
    await late.start();
    const bound = performance.now();
    const calls: { at: number; status: number }[] = [];
    let joined = false;
    const calling = (async () => {
      while (!joined) {
        const at = performance.now() - bound;
        for (const status of await sendInvites([late.sipPort], 1, 2000)) calls.push({ at, status });
        await sleep(100);
      }
    })();
    await until('it is ready', async () => (await late.metric('switchyard_cluster_state')) === 3, {
      milliseconds: 60_000,
    });
    const readyMs = performance.now() - bound;
    joined = true;
    await calling;
    const listed = await late.listed();
    assert.equal(listed.filter(({ state }) => state === 'Inactive').length, options.records - 1);
    assert.deepEqual(
      calls.filter(({ status }) => status !== 200),
      [],
    );
    return { records: options.records, spawnMs: bound - spawned, readyMs, calls: calls.length };
  } finally {
    await cluster.stop();
  }
}

/** A tag moved by command; how long two nodes were active at the same time, sampled every millisecond. */
export async function tagMoves(options: { moves: number }): Promise<object> {
  const cluster = await LocalCluster.start({ gateways: 3, cluster: { tags: { vip: { prefer: [], auto: true } } } });
  try {
    const active = () => cluster.nodes.map((_, i) => cluster.metric(i, 'switchyard_cluster_tag_active') === 1);
    await until('it has a holder', () => active().includes(true), { milliseconds: 5000 });
    let overlap = 0;
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      overlap = active().filter(Boolean).length > 1 ? overlap + now - last : 0;
      longest = Math.max(longest, overlap);
      last = now;
    }, 1);
    const times: number[] = [];
    for (let i = 0; i < options.moves; i++) {
      const began = performance.now();
      assert.equal(await cluster.mi(i % 3, 'clusterer_shtag_set_active', { tag: 'vip' }), 'OK');
      await until('it has moved', () => active().every((each, k) => each === (k === i % 3)), { milliseconds: 5000 });
      times.push(performance.now() - began);
      await sleep(30);
    }
    clearInterval(timer);
    return { moves: options.moves, twoActiveMs: longest, slowestMoveMs: Math.max(...times) };
  } finally {
    await cluster.stop();
  }
}

/** Milliseconds from the death of a tag's holder until another node holds the tag. */
export async function tagKills(options: { kills: number }): Promise<object> {
  const cluster = await RealCluster.start({ gateways: 3, cluster: { tags: { vip: { prefer: [], auto: true } } } });
  try {
    const isActive = async (node: RealNode) => (await node.metric('switchyard_cluster_tag_active')) === 1;
    const holders = async () => {
      const found: RealNode[] = [];
      for (const node of cluster.live) if (await isActive(node)) found.push(node);
      return found;
    };
    const times: number[] = [];
    for (let i = 0; i < options.kills; i++) {
      await until('one holds it', async () => (await holders()).length === 1, { milliseconds: 10_000 });
      const [holder] = (await holders()) as [RealNode];
      await holder.kill();
      const died = performance.now();
      await until('another has it', async () => (await holders()).length === 1, { milliseconds: 10_000 });
      times.push(performance.now() - died);
      await holder.start();
      await cluster.ready();
      assert.equal((await holders()).length, 1, 'the old holder came back as a backup');
    }
    return { kills: options.kills, takeoverMs: times.map(Math.round) };
  } finally {
    await cluster.stop();
  }
}

/** The wall clock of one node is wrong by a day, in both directions: it has no effect. */
export async function wrongClock(options: { days: number }): Promise<object> {
  const cluster = await RealCluster.start({
    gateways: 24,
    clockOff: (i) => (i === 1 ? options.days * 24 * 3600 * 1000 : 0),
  });
  try {
    const set = (name: string, user: string, state: string) =>
      cluster.node(name).mi('ds_set_state', { state, group: '1', address: cluster.gateways.uri(user) });
    for (const [i, user] of cluster.users.entries()) await set(`n${(i % 3) + 1}`, user, 'i');
    for (const [i, user] of cluster.users.entries()) await set(`n${((i + 1) % 3) + 1}`, user, 'a');
    cluster.gateways.status.set('gw5', 503);
    const down = async () => (await cluster.node('n1').listed()).filter(({ state }) => state === 'Probing').length;
    await until('it is found', async () => (await down()) === 1, { milliseconds: 8000 });
    cluster.gateways.status.clear();
    await until('it is back', async () => (await down()) === 0, { milliseconds: 8000 });
    await cluster.node('n2').kill();
    await cluster.node('n2').start();
    await cluster.ready();
    await until('all is stored', async () => (await cluster.stored()).length === 50, { milliseconds: 5000 });
    await sleep(2000);
    assert.deepEqual(orderFaults(await cluster.stored()), []);
    assert.deepEqual(await cluster.differences(), []);
    for (const { name, child } of cluster.nodes) {
      if (name !== 'n2') assert.equal((child?.stderr.match(/node n2 is gone/g) ?? []).length, 1, name);
      assert.doesNotMatch(child?.stderr ?? '', /is alone/);
    }
    return { days: options.days, events: 50 };
  } finally {
    await cluster.stop();
  }
}

/** Nodes of the cluster and one without cluster settings on the same NATS server: nothing is lost or overwritten. */
export async function besideOneAlone(): Promise<object> {
  const cluster = await RealCluster.start({
    gateways: 12,
    nodes: 3,
    apart: (i) => i === 2,
  });
  try {
    const set = (name: string, state: string) =>
      cluster.node(name).mi('ds_set_state', { state, group: '1', address: cluster.gateways.uri('gw1') });
    assert.equal(await set('n1', 'i'), 'OK');
    assert.equal(await set('n3', 'i'), 'OK');
    assert.equal(await set('n2', 'a'), 'OK');
    await until('events of both', async () => (await cluster.stored()).length === 3, { milliseconds: 5000 });
    const events = await cluster.stored();
    const shared = events.filter(({ id }) => String(id).startsWith('test:'));
    assert.deepEqual(orderFaults(shared), []);
    assert.deepEqual([shared.length, events.length], [2, 3]);
    await cluster.node('n3').mi('ds_reload');
    await sleep(1500);
    const states = (await cluster.node('n1').listed()).map(({ state }) => state);
    assert.equal(new Set(states).size, 1);
    return { events: events.length };
  } finally {
    await cluster.stop();
  }
}

/**
 * One of three nodes is disconnected while a gateway fails and operators act on both sides: all rows of what a
 * reconnection settles. Returns how long after the reconnection all nodes agree.
 */
export async function cutOff(options: { seconds: number; times: number }): Promise<object> {
  const cluster = await LocalCluster.start({ gateways: 24 });
  try {
    const set = (i: number, user: string, state: string) =>
      cluster.mi(i, 'ds_set_state', { state, group: '1', address: cluster.gateways.uri(user) });
    const state = (i: number, user: string) => cluster.states(i).get(user);
    const times: number[] = [];
    for (let round = 0; round < options.times; round++) {
      const away = round % 3;
      const [here, there] = [(away + 1) % 3, (away + 2) % 3] as [number, number];
      await cluster.relays[away]?.close();
      const until30 = performance.now() + options.seconds * 1000;
      await until('alone', () => cluster.metric(away, 'switchyard_cluster_state') === 1, { milliseconds: 10_000 });
      cluster.gateways.status.set('gw20', 503);
      await set(away, 'gw1', 'i');
      await set(away, 'gw2', 'i');
      for (const to of ['p', 'i', 'a']) await set(here, 'gw2', to);
      await set(there, 'gw3', 'i');
      await until('found by the others', () => state(here, 'gw20') === 'probing', { milliseconds: 10_000 });
      await sleep(Math.max(0, until30 - performance.now()));
      await cluster.relays[away]?.open();
      const back = performance.now();
      const expected = 'inactive active inactive probing';
      const views = () => [0, 1, 2].map((i) => ['gw1', 'gw2', 'gw3', 'gw20'].map((user) => state(i, user)).join(' '));
      await until(
        'all say the same',
        () => [0, 1, 2].every((i) => views()[i] === expected && cluster.metric(i, 'switchyard_cluster_overlays') === 0),
        { milliseconds: 30_000 },
      );
      times.push(performance.now() - back);
      await cluster.ready();
      cluster.gateways.status.clear();
      for (const user of ['gw1', 'gw3']) await set(here, user, 'a');
      await until('well again', () => views().every((each) => !/inactive|probing/.test(each)), {
        milliseconds: 10_000,
      });
    }
    const client = await connect({ servers: cluster.nats?.url ?? '' });
    await until('events are stored', async () => (await storedEvents(client)).length >= 8 * options.times, {
      milliseconds: 10_000,
    });
    assert.deepEqual(orderFaults(await storedEvents(client)), []);
    await client.close();
    return { ...options, equalAfterMs: times.map(Math.round) };
  } finally {
    await cluster.stop();
  }
}

/**
 * Three NATS servers; the leader of the bucket is killed. Milliseconds until the bucket has a leader again, and from
 * then until the changes made meanwhile are committed and known to all nodes.
 */
export async function leaderKills(options: { kills: number }): Promise<object> {
  const servers = await NatsServers.start();
  let cluster: LocalCluster | undefined;
  try {
    cluster = await LocalCluster.start({ gateways: 12, servers: (i) => servers.from(i) });
    const running = cluster;
    const leaderless: number[] = [];
    const committed: number[] = [];
    for (let i = 0; i < options.kills; i++) {
      const client = await connect({ servers: [...servers.from(0)], maxReconnectAttempts: -1, reconnectTimeWait: 50 });
      const leader = async (timeout: number) => {
        const manager = await client.jetstreamManager({ timeout, checkAPI: false });
        return (await manager.streams.info('KV_SWITCHYARD_test', {})).cluster?.leader;
      };
      const killed = Number((await leader(5000))?.slice(1));
      await servers.kill(killed);
      const began = performance.now();
      const to = i % 2 === 0 ? 'i' : 'a';
      const state = to === 'i' ? 'inactive' : 'active';
      const at = (killed + 1) % 3;
      void running.mi(at, 'ds_set_state', { state: to, group: '1', address: running.gateways.uri('gw1') });
      let led = Number.POSITIVE_INFINITY;
      const looking = (async () => {
        while (led === Number.POSITIVE_INFINITY) {
          const name = await leader(150).catch(() => undefined);
          if (name !== undefined && name !== '' && name !== `s${killed}`) led = performance.now();
          else await sleep(20);
        }
      })();
      await until(
        'committed',
        () =>
          [0, 1, 2].every((each) => running.states(each).get('gw1') === state) &&
          [0, 1, 2].every((each) => running.metric(each, 'switchyard_cluster_overlays') === 0),
        { milliseconds: 60_000 },
      );
      const done = performance.now();
      await looking;
      leaderless.push(Math.round(led - began));
      committed.push(Math.round(done - led));
      await client.close();
      await servers.restart(killed);
      await running.ready(undefined, 60_000);
      await sleep(2000);
    }
    return { kills: options.kills, leaderlessMs: leaderless, committedAfterMs: committed };
  } finally {
    await cluster?.stop();
    await servers.stop();
  }
}
