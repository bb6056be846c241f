import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../partitions.js';
import { until } from '../until.js';
import { orderFaults, RealCluster, type RealNode } from './real-cluster.js';
import { runHistory } from './simulation.js';

/** Random histories by seed. Throws at the first that breaks a rule. */
export function histories(first: number, count: number): { histories: number } {
  for (let seed = first; seed < first + count; seed++) {
    const zones = seed % 4 === 3 ? ['a', 'b', 'c'].slice(0, 2 + ((seed >> 2) % 2)) : [];
    const faults = runHistory(seed, zones.length > 0 ? { steps: 20, zones } : { steps: 20, nodes: 3 + (seed % 3) });
    if (faults.length > 0) throw new Error(`seed ${seed}:\n  ${faults.join('\n  ')}`);
  }
  return { histories: count };
}

/** Changes states of random gateways, by their failures and by operators at random nodes, until stopped. */
export function unrest(cluster: RealCluster, draw: () => number): { count: number; stop(): Promise<void> } {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(draw() * list.length)] as T;
  const state = { count: 0, on: true };
  const run = (async () => {
    while (state.on) {
      const user = pick(cluster.users);
      state.count++;
      if (draw() < 0.5) cluster.gateways.status.set(user, cluster.gateways.status.get(user) === 503 ? 200 : 503);
      else {
        const to = pick(['i', 'a', 'a']);
        const address = cluster.gateways.uri(user);
        await pick(cluster.live)
          .mi('ds_set_state', { state: to, group: '1', address })
          .catch(() => undefined);
      }
      await sleep(20);
    }
  })();
  return {
    get count() {
      return state.count;
    },
    async stop() {
      state.on = false;
      await run;
    },
  };
}

/** After unrest: every gateway works, all nodes and the stream agree, each event was stored once and in order. */
export async function settle(cluster: RealCluster): Promise<{ events: number }> {
  for (const user of cluster.users) cluster.gateways.status.set(user, 200);
  const [node] = cluster.live as [RealNode];
  await cluster.ready(60_000);
  for (const { uri, state } of await node.listed()) {
    if (state !== 'Inactive') continue;
    assert.match(String(await node.mi('ds_set_state', { state: 'a', group: '1', address: uri })), /^OK/);
  }
  await until(
    'all active at all nodes',
    async () => {
      const lists = await Promise.all(cluster.live.map((each) => each.listed()));
      return lists.every((list) => list.every(({ state }) => state === 'Active'));
    },
    { milliseconds: 30_000 },
  );
  await sleep(2000);
  assert.deepEqual(await cluster.differences(), []);
  const events = await cluster.stored();
  assert.deepEqual(orderFaults(events), []);
  const last = new Map(events.map((event) => [event['address'], event]));
  for (const event of last.values()) assert.equal(event['status'], 'active', `${event['address']}`);
  return { events: events.length };
}

/** Nodes are killed and restarted while states change everywhere. */
export async function nodeKills(options: { kills: number; seed: number; gateways?: number }): Promise<object> {
  const random = seededRandom(options.seed);
  const draw = () => random.uint32() / 2 ** 32;
  const cluster = await RealCluster.start({ gateways: options.gateways ?? 30 });
  try {
    const changes = unrest(cluster, draw);
    for (let i = 0; i < options.kills; i++) {
      const node = cluster.nodes[Math.floor(draw() * cluster.nodes.length)] as RealNode;
      await sleep(500 + draw() * 1500);
      await node.kill();
      await sleep(draw() * 2000);
      await node.start();
      await sleep(2500);
    }
    await changes.stop();
    return { kills: options.kills, changes: changes.count, ...(await settle(cluster)) };
  } finally {
    await cluster.stop();
  }
}

/** The NATS server is killed and restarted while states change everywhere. */
export async function natsKills(options: { kills: number; seed: number; changes?: number }): Promise<object> {
  const random = seededRandom(options.seed);
  const draw = () => random.uint32() / 2 ** 32;
  const cluster = await RealCluster.start({ gateways: 30 });
  try {
    const changes = unrest(cluster, draw);
    const atLeast = options.changes ?? 0;
    for (let i = 0; i < options.kills; i++) {
      const due = (atLeast * (i + 1)) / options.kills;
      await until('changes', () => changes.count >= due, { milliseconds: 60_000 });
      await sleep(500 + draw() * 2000);
      await cluster.nats?.kill();
      await sleep(draw() * 1500);
      await cluster.nats?.restart();
    }
    await sleep(1000);
    await changes.stop();
    const result = await settle(cluster);
    for (const node of cluster.nodes) {
      assert.doesNotMatch(
        node.child?.stderr ?? '',
        /cluster: node n\d is gone/,
        `${node.name} gave up a node that lived`,
      );
    }
    return { kills: options.kills, changes: changes.count, ...result };
  } finally {
    await cluster.stop();
  }
}

/**
 * Milliseconds from the end of a node until each destination it owned was probed again, over several kills; or from
 * SIGTERM, which the node announces. Also the longest time any other destination was not probed meanwhile. No event may
 * result.
 */
export async function takeovers(options: {
  gateways: number;
  kills: number;
  signal?: 'SIGKILL' | 'SIGTERM';
}): Promise<object> {
  const cluster = await RealCluster.start({ gateways: options.gateways });
  try {
    const seen = new Map<string, number>();
    const worst: number[] = [];
    const shares: number[] = [];
    let gap = 0;
    for (let i = 0; i < options.kills; i++) {
      const node = cluster.nodes[(i + 1) % 3] as RealNode;
      const owners = await cluster.owners();
      const lost = new Set(cluster.users.filter((user) => owners.get(user) === node.name));
      shares.push(lost.size / cluster.users.length);
      await sleep(1500);
      const last = new Map(cluster.users.map((user) => [user, performance.now()]));
      const port = node.sipPort;
      let ended = Number.POSITIVE_INFINITY;
      cluster.gateways.onRequest = (user, from) => {
        const now = performance.now();
        if (!lost.has(user)) gap = Math.max(gap, now - (last.get(user) ?? now));
        last.set(user, now);
        if (now > ended && from !== port && !seen.has(user)) seen.set(user, now - ended);
      };
      await sleep(1500);
      seen.clear();
      ended = performance.now();
      if (options.signal === 'SIGTERM') node.signal('SIGTERM');
      else node.signal('SIGKILL');
      await until('all probed', () => [...lost].every((user) => seen.has(user)), { milliseconds: 10_000 });
      worst.push(Math.max(...[...lost].map((user) => seen.get(user) as number)));
      await sleep(1500);
      cluster.gateways.onRequest = () => {};
      await node.stop();
      await node.start();
      await cluster.ready(60_000);
    }
    assert.deepEqual(await cluster.stored(), []);
    return {
      takeoverMs: worst.map(Math.round),
      shares: shares.map((share) => Math.round(share * 100)),
      longestGapOfOthersMs: gap,
    };
  } finally {
    await cluster.stop();
  }
}

/**
 * Milliseconds from a command to one node that sets a state until the others use it for routing, and until the answer.
 * Each node is a process; the others' times are from their log lines.
 */
export async function fanOut(options: { changes: number }): Promise<object> {
  const cluster = await RealCluster.start({ gateways: 20, modparam: { ds_ping_interval: 0 } });
  try {
    const began: number[] = [];
    const answered: number[] = [];
    for (let i = 0; i < options.changes; i++) {
      const address = cluster.gateways.uri(`gw${i % 20}`);
      const state = Math.floor(i / 20) % 2 === 0 ? 'i' : 'a';
      began.push(Date.now());
      await cluster.node('n1').mi('ds_set_state', { state, group: '1', address });
      answered.push(Date.now() - (began.at(-1) as number));
      await sleep(10);
    }
    const lines = (name: string) => [
      ...(cluster.node(name).child?.stderr ?? '').matchAll(/"time":(\d+)[^\n]*"origin":"cluster"/g),
    ];
    await until('the last one is known', () => ['n2', 'n3'].every((name) => lines(name).length >= options.changes), {
      milliseconds: 10_000,
    });
    const times = ['n2', 'n3'].flatMap((name) =>
      lines(name).map(([, time], i) => Math.max(0, Number(time) - (began[i] as number))),
    );
    const figures = (list: number[]) => {
      list.sort((a, b) => a - b);
      const at = (part: number) => list[Math.floor(part * (list.length - 1))] as number;
      return { median: at(0.5), p99: at(0.99), max: at(1) };
    };
    return { changes: options.changes, knownMs: figures(times), answeredMs: figures(answered) };
  } finally {
    await cluster.stop();
  }
}

/** Milliseconds after which an idle new process has completed the garbage collections that follow its start. */
const SETTLED_MS = 75_000;

/**
 * Part of a core that an idle node uses for the cluster: measured with and without a cluster at the same time, so that
 * other load affects both.
 */
export async function idleCpu(options: { gateways: number; seconds: number }): Promise<object> {
  const clusters: RealCluster[] = [];
  try {
    for (const alone of [false, true]) {
      clusters.push(await RealCluster.start({ gateways: options.gateways, modparam: { ds_ping_interval: 0 }, alone }));
    }
    await sleep(SETTLED_MS);
    const used = () => clusters.map(({ nodes }) => nodes.reduce((sum, { pid }) => sum + cpuMs(pid), 0) / nodes.length);
    const before = used();
    await sleep(options.seconds * 1000);
    const [withCluster = 0, without = 0] = used().map((ms, i) => (ms - (before[i] ?? 0)) / (options.seconds * 10));
    return { withPercent: withCluster, withoutPercent: without, clusterPercent: withCluster - without };
  } finally {
    for (const cluster of clusters) await cluster.stop();
  }
}

/** CPU time of all threads of a process, from the scheduler. */
function cpuMs(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  const ns = readdirSync(tasks).map((task) => Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]));
  return ns.reduce((sum, each) => sum + each, 0) / 1e6;
}
