/**
 * `npm run demo -- --nodes 3`: several nodes on one NATS server. A gateway fails, and a node is killed while calls go on.
 * The summary says how fast its probes moved, that each change was one event, and that no call was lost but those in flight
 * at the node that died.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../../test/support/child-process.js';
import { writeTable } from '../../test/support/daemon-process.js';
import { Responder } from '../../test/support/faults/responder.js';
import { askMi } from '../../test/support/mi-http.js';
import { freePort } from '../../test/support/ports.js';
import { startNatsServer } from '../../test/support/servers/nats.js';
import type { RunningServer } from '../../test/support/servers/process.js';
import { findProgram } from '../../test/support/servers/programs.js';
import {
  type Caller,
  type CallResult,
  type Gateway,
  startCaller,
  startGateway,
} from '../../test/support/sip-endpoints.js';
import { type EventWatch, watchNats } from './events.js';
import type { Progress } from './progress.js';

const ENTRY = join(resolve(import.meta.dirname, '../..'), 'dist', 'main.js');
/** Set 1 takes the calls, set 2 is only probed: so many that each node has a share to lose. */
const GATEWAYS = ['127.0.0.11', '127.0.0.12', '127.0.0.13'];
const PROBED = 90;
const CALLS_A_SECOND = 20;

interface Node {
  readonly name: string;
  readonly port: number;
  readonly http: string;
  readonly child: Child;
  alive: boolean;
}

/** Everything of this demo, ended together. */
export class ClusterDemo {
  private readonly folder = mkdtempSync(join(tmpdir(), 'switchyard-demo-'));
  private readonly nodes: Node[] = [];
  private readonly gateways: Gateway[] = [];
  private caller: Caller | undefined;
  private responder: Responder | undefined;
  private nats: RunningServer | undefined;
  private events: EventWatch | undefined;
  private number = 0;

  constructor(
    private readonly show: Progress,
    private readonly count: number,
  ) {}

  /** What was promised and did not come true; nothing when all did. */
  async play(): Promise<string[]> {
    const { show } = this;
    if (!existsSync(ENTRY)) throw new Error('dist/main.js is missing: run "npm ci" or "npm run build" first');
    const url = process.env['NATS_URL'] || (await this.startNats());
    if (url === undefined) {
      throw new Error('a cluster needs a NATS server: install nats-server (with JetStream), or name one by NATS_URL');
    }
    await this.open(url);
    show.head(`1. ${this.count} nodes, ${GATEWAYS.length} gateways with calls, ${PROBED} more that are only probed`);
    for (const [name, share] of await this.shares()) show.say(`  ${name} probes ${share}`);
    const faults: string[] = [];

    show.head('2. A gateway fails: each node finds out from the one that probes it');
    const [victim] = this.gateways as [Gateway];
    const since = performance.now();
    victim.kill();
    await this.until('an event', 10_000, () => this.eventsOf(victim.uri, since).length > 0);
    await this.until('all nodes know', 2000, async () =>
      (await this.statesOf(victim.uri)).every((each) => each === 'Probing'),
    );
    show.say(`  out of use at ${this.count} nodes ${seconds(performance.now() - since)} after it went off`);
    await victim.revive();
    await this.until('it is back', 10_000, async () =>
      (await this.statesOf(victim.uri)).every((each) => each === 'Active'),
    );

    show.head('3. A node is killed while calls go on');
    const dying = this.nodes[1] as Node;
    const lost = await this.ownedBy(dying.name);
    const calls = this.placeCalls(90);
    await sleep(1500);
    const moved = await this.kill(dying, lost);
    show.say(
      `  ${dying.name} is gone, with ${lost.length} gateways it probed; all of them probed again after ${seconds(moved)}`,
    );
    const results = await calls;
    const failed = results.filter(({ result }) => result.status !== 200);
    const elsewhere = failed.filter(({ node, at }) => node !== dying || at > this.killedAt);
    show.say(
      `  ${results.length - failed.length} of ${results.length} calls answered; ${failed.length} were in flight at ${dying.name}`,
    );

    await sleep(1500);
    const events = this.eventsOf(victim.uri, since);
    show.head('Summary');
    show.say(`  probing moved         ${seconds(moved)} after the node died`);
    show.say(`  events of the gateway ${events.map(({ status }) => status).join(', ')}, each once`);
    show.say(`  calls lost            ${failed.length}, all in flight at ${dying.name}`);
    if (moved > 2500) faults.push(`probing moved only after ${seconds(moved)}`);
    if (events.map(({ status }) => status).join() !== 'inactive,active') faults.push('not every change was one event');
    if (elsewhere.length > 0) faults.push(`${elsewhere.length} calls failed that were not at ${dying.name}`);
    return faults;
  }

  async close(): Promise<void> {
    await this.events?.close();
    for (const { child, alive } of this.nodes) if (alive) await child.stop('SIGTERM', 5000);
    for (const gateway of this.gateways) gateway.kill();
    this.responder?.stop();
    await this.caller?.stop();
    await this.nats?.stop();
    this.remove();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private killedAt = Number.POSITIVE_INFINITY;

  private async kill(node: Node, lost: readonly string[]): Promise<number> {
    const seen = new Map<string, number>();
    node.child.process.kill('SIGKILL');
    node.alive = false;
    this.killedAt = performance.now();
    if (this.responder !== undefined) {
      this.responder.onRequest = (user) => {
        const after = performance.now() - this.killedAt;
        if (after > 50 && !seen.has(user)) seen.set(user, after);
      };
    }
    await this.until('its gateways are probed', 10_000, () => lost.every((user) => seen.has(user)));
    return Math.max(...lost.map((user) => seen.get(user) ?? 0));
  }

  private async open(url: string): Promise<void> {
    this.show.at('starting gateways and a caller');
    for (const [i, host] of GATEWAYS.entries()) this.gateways.push(await startGateway({ name: `gw${i + 1}`, host }));
    this.responder = await Responder.start();
    this.caller = await startCaller({ host: '127.0.0.31' });
    const prefix = `switchyard-demo-${process.pid}`;
    this.events = await watchNats(url, prefix);
    this.show.at(`starting ${this.count} nodes`);
    for (let i = 0; i < this.count; i++) this.nodes.push(await this.startNode(`n${i + 1}`, url, prefix));
    await this.until('the nodes are ready', 30_000, async () => {
      const states = await Promise.all(this.nodes.map(({ http }) => clusterList(http)));
      return states.every((list) => list.filter(({ state }) => state === 'ready').length === this.count);
    });
  }

  private async startNode(name: string, url: string, prefix: string): Promise<Node> {
    const folder = join(this.folder, name);
    const [port, httpPort] = [await freePort(), await freePort()];
    const rows = [
      ...this.gateways.map((each) => [1, each.uri] as const),
      ...Array.from({ length: PROBED }, (_, i) => [2, this.responder?.uri(`p${i}`) ?? ''] as const),
    ];
    const { mkdir } = await import('node:fs/promises');
    await mkdir(folder);
    await writeTable(join(folder, 'db'), rows);
    const settings = {
      node: name,
      listen: `udp:127.0.0.1:${port}`,
      http: `127.0.0.1:${httpPort}`,
      mi: { http: { root: 'mi' } },
      modparam: {
        db_url: 'text:./db',
        ds_ping_interval: 1,
        ds_ping_timeout: 0.5,
        ds_probing_mode: 1,
        ds_probing_threshold: 2,
      },
      routing: [{ select: { set: 1, alg: 4 }, failover: { codes: ['5xx', '408'] }, record_route: true }],
      tm: { fr_timeout: 1 },
      events: { nats: { servers: [url], prefix, jetstream: { stream: `DEMO_${process.pid}` } } },
      cluster: { name: `demo-${process.pid}` },
      log: { level: 'warn' },
    };
    const config = join(folder, 'switchyard.json');
    writeFileSync(config, JSON.stringify(settings, undefined, 2));
    const child = new Child(process.execPath, [ENTRY, 'serve', '--config', config], { cwd: folder });
    const http = `http://127.0.0.1:${httpPort}`;
    await child.until(
      () =>
        askMi(http, 'version').then(
          () => true,
          () => false,
        ),
      20_000,
      name,
    );
    return { name, port, http, child, alive: true };
  }

  private async startNats(): Promise<string | undefined> {
    if (findProgram('nats') === undefined) return undefined;
    this.nats = await startNatsServer({ dir: join(this.folder, 'nats') });
    return this.nats.url;
  }

  /** Calls at an even pace to the nodes in turn; one that is known to be dead gets none. */
  private async placeCalls(count: number): Promise<{ result: CallResult; node: Node; at: number }[]> {
    const calls: Promise<{ result: CallResult; node: Node; at: number }>[] = [];
    for (let i = 0; i < count; i++) {
      const live = this.nodes.filter(({ alive }) => alive);
      const node = live[i % live.length] as Node;
      const at = performance.now();
      const options = { ruri: `sip:+4930${1000 + this.number++}@demo.example`, proxy: `sip:127.0.0.1:${node.port}` };
      const call = this.caller?.placeCall({ ...options, holdMs: 200, timeoutMs: 6000 });
      if (call !== undefined) calls.push(call.then((result) => ({ result, node, at })));
      this.show.at(`${i + 1} calls placed`);
      await sleep(1000 / CALLS_A_SECOND);
    }
    return Promise.all(calls);
  }

  private eventsOf(uri: string, since: number): readonly { readonly status: string }[] {
    return (this.events?.seen ?? []).filter(({ address, at }) => address === uri && at >= since);
  }

  private async statesOf(uri: string): Promise<string[]> {
    const live = this.nodes.filter(({ alive }) => alive);
    const lists = await Promise.all(live.map(({ http }) => destinations(http)));
    return lists.map((list) => list.find((each) => each.URI === uri)?.state ?? '');
  }

  private async ownedBy(name: string): Promise<string[]> {
    const list = await destinations(this.nodes[0]?.http ?? '');
    return list.flatMap(({ URI, owner }) => (owner === name ? (/^sip:(p\d+)@/.exec(URI)?.slice(1) ?? []) : []));
  }

  private async shares(): Promise<ReadonlyMap<string, number>> {
    const shares = new Map(this.nodes.map(({ name }) => [name, 0]));
    for (const { owner = '' } of await destinations(this.nodes[0]?.http ?? '')) {
      shares.set(owner, (shares.get(owner) ?? 0) + 1);
    }
    return shares;
  }

  private async until(what: string, limitMs: number, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + limitMs;
    while (!(await holds())) {
      if (performance.now() > deadline) throw new Error(`${what}: not within ${limitMs} ms`);
      this.show.at(`waiting: ${what}`);
      await sleep(20);
    }
  }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

interface Destination {
  readonly URI: string;
  readonly state: string;
  readonly owner?: string;
}

async function destinations(http: string): Promise<Destination[]> {
  const answer = (await askMi(http, 'ds_list', { full: 1 })) as {
    PARTITIONS: { SETS: { Destinations: Destination[] }[] }[];
  };
  return answer.PARTITIONS.flatMap(({ SETS }) => SETS).flatMap(({ Destinations }) => Destinations);
}

async function clusterList(http: string): Promise<{ state: string }[]> {
  const answer = (await askMi(http, 'cluster_list')) as { Clusters: { Nodes: { state: string }[] }[] };
  return answer.Clusters[0]?.Nodes ?? [];
}
