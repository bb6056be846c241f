import { connect } from 'nats';
import { type DaemonFixture, startDaemon } from '../daemon-fixture.js';
import { Responder } from '../faults/responder.js';
import { Relay } from '../nats-fixtures.js';
import { type RestartableNats, startRestartableNats } from '../restartable-nats.js';
import { until } from '../until.js';

import { streamWithWindow } from './stored.js';

export interface LocalClusterOptions {
  readonly nodes?: number;
  readonly gateways: number;
  readonly modparam?: Readonly<Record<string, unknown>>;
  readonly cluster?: Readonly<Record<string, unknown>>;
  /** Further keys of "cluster" by node number. */
  readonly each?: (i: number) => Readonly<Record<string, unknown>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Duplicate window of the stream in milliseconds; default: an hour. */
  readonly windowMs?: number;
  /** Further columns of a row. */
  readonly row?: (user: string) => object;
  /** Servers of each node by its number; default: one server, through a relay. */
  readonly servers?: (i: number) => readonly string[];
  /** Name of the partition with the rows. */
  readonly partition?: string;
  /** Database of all nodes; default: one for each. */
  readonly dbUrl?: string;
}

/** Several daemons in this process, each connected through its own relay, which can be cut. */
export class LocalCluster {
  readonly nodes: DaemonFixture[] = [];
  readonly relays: Relay[] = [];

  private constructor(
    readonly nats: RestartableNats | undefined,
    readonly gateways: Responder,
    readonly users: readonly string[],
    private readonly options: LocalClusterOptions,
  ) {}

  static async start(options: LocalClusterOptions): Promise<LocalCluster> {
    const users = Array.from({ length: options.gateways }, (_, i) => `gw${i}`);
    const cluster = new LocalCluster(
      options.servers === undefined ? await startRestartableNats() : undefined,
      await Responder.start(),
      users,
      options,
    );
    try {
      if (options.windowMs !== undefined) {
        const client = await connect({ servers: cluster.nats?.url ?? '' });
        await streamWithWindow(client, options.windowMs);
        await client.close();
      }
      for (let i = 0; i < (options.nodes ?? 3); i++) await cluster.add(`n${i + 1}`);
      await cluster.ready();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** Starts another node. */
  async add(node: string): Promise<DaemonFixture> {
    const { options, users, gateways } = this;
    const servers = options.servers?.(this.nodes.length) ?? [await this.relay()];
    const rows = users.map((user) => ({ setid: 1, destination: gateways.uri(user), ...options.row?.(user) }));
    const fixture = await startDaemon(
      {
        node,
        modparam: {
          ...(options.partition === undefined ? { db_url: options.dbUrl ?? 'text:./db' } : {}),
          ds_ping_interval: 1,
          ds_ping_timeout: 0.5,
          ds_probing_mode: 1,
          ds_probing_threshhold: 2,
          ds_flush_interval: 1,
          ...options.modparam,
        },
        events: { nats: { servers, jetstream: {} } },
        cluster: { name: 'test', reload_spread: 0.2, ...options.cluster, ...options.each?.(this.nodes.length) },
        ...options.settings,
      },
      options.dbUrl !== undefined && this.nodes.length > 0 ? {} : { [options.partition ?? 'default']: rows },
    );
    this.nodes.push(fixture);
    return fixture;
  }

  private async relay(): Promise<string> {
    const relay = new Relay(this.nats?.port ?? 0);
    this.relays.push(relay);
    return `nats://127.0.0.1:${await relay.open()}`;
  }

  mi(i: number, method: string, params: object = {}): Promise<unknown> {
    return (this.nodes[i] as DaemonFixture).daemon.mi.execute(method, params);
  }

  /** States by user from one node's view. */
  states(i: number): Map<string, string> {
    const partition = this.nodes[i]?.daemon.engine.partition('');
    const found = partition?.snapshot.sets.get(1)?.destinations ?? [];
    return new Map(found.map(({ row, health }) => [/^sip:([^@]*)@/.exec(row.uri)?.[1] ?? '', health.state]));
  }

  metric(i: number, name: string): number {
    const text = this.nodes[i]?.daemon.metrics.prometheus() ?? '';
    const line = text.split('\n').find((each) => each.startsWith(`${name} `) || each.startsWith(`${name}{`));
    return line === undefined ? Number.NaN : Number(line.slice(line.lastIndexOf(' ') + 1));
  }

  /** Waits until these nodes are ready and see each other as live. */
  async ready(indexes: readonly number[] = this.nodes.map((_, i) => i), limitMs = 20_000): Promise<void> {
    await until(
      'nodes are ready',
      async () => {
        for (const i of indexes) {
          if (this.metric(i, 'switchyard_cluster_nodes') !== indexes.length) return false;
          const ready = JSON.stringify(await this.mi(i, 'cluster_list')).split('"state":"ready"').length - 1;
          if (ready !== indexes.length) return false;
        }
        return true;
      },
      { milliseconds: limitMs },
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    for (const relay of this.relays) await relay.close();
    this.gateways.stop();
    await this.nats?.stop();
  }
}
