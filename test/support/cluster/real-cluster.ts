import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import { Child, isBound } from '../child-process.js';
import { fill, tableStates } from '../faults/bench.js';
import { Responder } from '../faults/responder.js';
import { askMi } from '../mi-http.js';
import { freePort } from '../ports.js';
import { SWITCHYARD } from '../program.js';
import { type RestartableNats, startRestartableNats } from '../restartable-nats.js';
import { until } from '../until.js';
import { bucketStates, storedEvents } from './stored.js';

/** A destination as listed by ds_list. */
export interface Listed {
  readonly uri: string;
  readonly state: string;
  readonly owner: string;
}

/** One node in its own process. */
export class RealNode {
  child: Child | undefined;
  /** performance.now() of its last kill. */
  diedAt: number | undefined;
  /** Arguments of node that run another build; undefined: this build. */
  main: readonly string[] | undefined;

  constructor(
    readonly name: string,
    readonly sipPort: number,
    readonly http: string,
    private readonly folder: string,
    private readonly clockOff = 0,
  ) {}

  /** Path of its table, when it has one of its own. */
  get table(): string {
    return `text:${join(this.folder, 'db')}`;
  }

  /** Starts the process; it may not have joined yet when this resolves. */
  async start(): Promise<void> {
    const config = join(this.folder, 'switchyard.json');
    const off = `const now = Date.now; Date.now = () => now() + ${this.clockOff};`;
    const wrong = this.clockOff === 0 ? [] : ['--import', `data:text/javascript,${encodeURIComponent(off)}`];
    const child = new Child(process.execPath, [...wrong, ...(this.main ?? SWITCHYARD), 'serve', '--config', config], {
      cwd: this.folder,
    });
    this.child = child;
    await child.until(() => isBound(this.sipPort, 'udp'), 90_000, this.name);
  }

  get pid(): number {
    return this.child?.pid ?? -1;
  }

  get running(): boolean {
    return this.child?.running === true;
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.process.kill(signal);
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.diedAt = performance.now();
    this.signal('SIGKILL');
    await this.child?.exited;
  }

  async stop(): Promise<void> {
    await this.child?.stop('SIGTERM', 10_000);
  }

  mi(method: string, params: object = {}): Promise<unknown> {
    return askMi(this.http, method, params);
  }

  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.http}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`${name} `) || each.startsWith(`${name}{`));
    return line === undefined ? Number.NaN : Number(line.slice(line.lastIndexOf(' ') + 1));
  }

  async listed(): Promise<Listed[]> {
    const answer = (await this.mi('ds_list', { full: 1 })) as {
      PARTITIONS: { SETS: { Destinations: { URI: string; state: string; owner?: string }[] }[] }[];
    };
    return answer.PARTITIONS.flatMap(({ SETS }) => SETS)
      .flatMap(({ Destinations }) => Destinations)
      .map(({ URI, state, owner = '' }) => ({ uri: URI, state, owner }))
      .sort((a, b) => (a.uri < b.uri ? -1 : 1));
  }
}

export interface RealClusterOptions {
  readonly nodes?: number;
  readonly gateways: number;
  /** Module parameters that replace the defaults: all destinations are probed once per second. */
  readonly modparam?: Readonly<Record<string, unknown>>;
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Servers of each node by its number; default: the one that is started. */
  readonly servers?: (i: number) => readonly string[];
  /** The same nodes without a cluster. */
  readonly alone?: boolean;
  /** Database of all nodes; default: a text file for each. */
  readonly dbUrl?: string;
  /** Destinations of set 2, to which calls are sent; they are not probed. */
  readonly callees?: readonly string[];
  /** Nodes, by number, without cluster settings that do not write the public bucket. */
  readonly apart?: (i: number) => boolean;
  /** Error of a node's wall clock in milliseconds, by its number. */
  readonly clockOff?: (i: number) => number;
  /** Programs of other builds, by node number. */
  readonly main?: (i: number) => readonly string[] | undefined;
  /** Further keys of each node by its number. */
  readonly each?: (i: number) => Readonly<Record<string, unknown>>;
}

/** Several nodes, one NATS server, and many gateways behind one port. */
export class RealCluster {
  readonly nodes: RealNode[] = [];
  private readonly apart = new Set<string>();
  readonly client: NatsConnection;
  /** All messages of the event stream as they arrive. */
  readonly events: { readonly at: number; readonly params: Record<string, unknown> }[] = [];

  private constructor(
    readonly folder: string,
    readonly nats: RestartableNats | undefined,
    readonly gateways: Responder,
    client: NatsConnection,
    readonly users: readonly string[],
    private readonly dbUrl: string | undefined,
  ) {
    this.client = client;
  }

  static async start(options: RealClusterOptions): Promise<RealCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'switchyard-cluster-'));
    const nats = options.servers === undefined ? await startRestartableNats() : undefined;
    const gateways = await Responder.start();
    const users = Array.from({ length: options.gateways }, (_, i) => `gw${i}`);
    const serversOf = options.servers ?? (() => [nats?.url ?? '']);
    const client = await connect({ servers: [...serversOf(0)], maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    const cluster = new RealCluster(folder, nats, gateways, client, users, options.dbUrl);
    const rows = [
      ...users.map((user) => ({ setId: 1, uri: gateways.uri(user), probeMode: 1 })),
      ...(options.callees ?? []).map((uri) => ({ setId: 2, uri })),
    ];
    if (options.dbUrl !== undefined) await fill(options.dbUrl, rows);
    client.subscribe('opensips.E_DISPATCHER_STATUS.>', {
      callback: (error, message) => {
        if (error !== null) return;
        cluster.events.push({ at: performance.now(), params: JSON.parse(message.string()).params });
      },
    });
    for (let i = 0; i < (options.nodes ?? 3); i++) {
      const name = `n${i + 1}`;
      const own = join(folder, name);
      const [sipPort, httpPort] = [await freePort(), await freePort()];
      await mkdir(own);
      const apart = options.apart?.(i) === true;
      const settings = {
        node: name,
        listen: `udp:127.0.0.1:${sipPort}`,
        http: `127.0.0.1:${httpPort}`,
        mi: { http: { root: 'mi' } },
        modparam: {
          db_url: options.dbUrl ?? 'text:./db',
          ds_ping_interval: 1,
          ds_ping_timeout: 0.5,
          ds_probing_mode: 0,
          ds_probing_threshhold: 2,
          ds_flush_interval: 1,
          ...options.modparam,
        },
        routing: [{ select: { set: options.callees === undefined ? 1 : 2, alg: 4 }, record_route: true }],
        events: { nats: { servers: serversOf(i), jetstream: {}, ...(apart ? { bucket: '' } : {}) } },
        ...(options.alone || apart ? {} : { cluster: { name: 'test', ...options.cluster } }),
        log: { level: 'info' },
        ...options.settings,
        ...options.each?.(i),
      };
      await writeFile(join(own, 'switchyard.json'), JSON.stringify(settings, undefined, 2));
      if (apart) cluster.apart.add(name);
      const node = new RealNode(name, sipPort, `http://127.0.0.1:${httpPort}`, own, options.clockOff?.(i));
      node.main = options.main?.(i);
      if (options.dbUrl === undefined) await fill(node.table, rows);
      cluster.nodes.push(node);
    }
    try {
      await Promise.all(cluster.nodes.map((node) => node.start()));
      if (options.alone !== true) await cluster.ready();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  node(name: string): RealNode {
    const found = this.nodes.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no node ${name}`);
    return found;
  }

  get live(): readonly RealNode[] {
    return this.nodes.filter(({ name, running }) => running && !this.apart.has(name));
  }

  /** Waits until all running nodes are ready and see each other as live. */
  async ready(limitMs = 30_000): Promise<void> {
    await until(
      'all nodes are ready',
      async () => {
        const count = this.live.length;
        for (const node of this.live) {
          if ((await node.metric('switchyard_cluster_state')) !== 3) return false;
          if ((await node.metric('switchyard_cluster_nodes')) !== count) return false;
        }
        const views = await Promise.all(this.live.map(async (node) => JSON.stringify(await node.listed())));
        return new Set(views).size === 1;
      },
      { milliseconds: limitMs },
    );
  }

  /** The owner of each gateway by user, from one node's view. */
  async owners(): Promise<Map<string, string>> {
    const [node] = this.live;
    const listed = (await node?.listed()) ?? [];
    return new Map(listed.map(({ uri, owner }) => [/^sip:([^@]*)@/.exec(uri)?.[1] ?? '', owner]));
  }

  /**
   * Differences between the nodes (by ds_list), their tables and the public bucket, which independent clients read.
   * Empty when all agree.
   */
  async differences(): Promise<string[]> {
    const views = new Map<string, Map<string, string>>();
    for (const node of this.live) {
      const listed = await node.listed();
      views.set(node.name, new Map(listed.map(({ uri, state }) => [uri, state.toLowerCase()])));
      if (this.dbUrl === undefined) views.set(`table of ${node.name}`, await statesIn(node.table));
    }
    if (this.dbUrl !== undefined) views.set('table', await statesIn(this.dbUrl));
    views.set('bucket', await bucketStates(this.client));
    const [first] = views.values();
    const found: string[] = [];
    for (const [name, states] of views) {
      for (const [uri, state] of first ?? []) {
        if (states.get(uri) !== state) found.push(`${uri} is ${state}, at ${name} ${states.get(uri)}`);
      }
      if (states.size !== first?.size) found.push(`${name} has ${states.size} destinations, not ${first?.size}`);
    }
    return found;
  }

  /** All status events of the stream in order. */
  stored(): Promise<Record<string, unknown>[]> {
    return storedEvents(this.client);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await this.client.close();
    this.gateways.stop();
    await this.nats?.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function statesIn(dbUrl: string): Promise<Map<string, string>> {
  return new Map([...(await tableStates(dbUrl))].map(([key, state]) => [key.slice(key.indexOf(' ') + 1), state]));
}

/**
 * Returns the faults in each destination's events: duplicates, wrong order, or an event that does not start from the
 * state of the one before.
 */
export function orderFaults(events: readonly Record<string, unknown>[]): string[] {
  const last = new Map<unknown, Record<string, unknown>>();
  const faults: string[] = [];
  for (const event of events) {
    const { address, seq, previous } = event;
    const before = last.get(address);
    if (seq !== ((before?.['seq'] as number | undefined) ?? 0) + 1) {
      faults.push(`${address}: event ${seq} after ${before?.['seq'] ?? 0}`);
    }
    if (previous !== (before?.['status'] ?? 'active')) faults.push(`${address}: event ${seq} goes from ${previous}`);
    last.set(address, event);
  }
  return faults;
}
