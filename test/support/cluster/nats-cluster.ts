import { rm } from 'node:fs/promises';
import { connect } from 'nats';
import { freePorts } from '../ports.js';
import type { RunningServer } from '../servers.js';
import { startNatsServer } from '../servers.js';
import { until } from '../until.js';

/** Three NATS servers on loopback with three replicas of each stream. */
export class NatsServers {
  readonly servers: RunningServer[] = [];

  private constructor(
    private readonly ports: readonly number[],
    private readonly routes: readonly number[],
  ) {}

  static async start(): Promise<NatsServers> {
    const all = new NatsServers(await freePorts(3), await freePorts(3));
    for (const i of [0, 1, 2]) all.servers[i] = await all.run(i, undefined);
    // JetStream has a leader a moment after the servers have connected to each other.
    const client = await connect({ servers: all.url(0), maxReconnectAttempts: -1 });
    await until(
      'JetStream has a leader',
      async () => {
        const manager = await client.jetstreamManager({ timeout: 2000 });
        return (await manager.getAccountInfo()) !== undefined && client.info?.cluster !== undefined;
      },
      { milliseconds: 20_000 },
    );
    await client.close();
    return all;
  }

  url(i: number): string {
    return `nats://127.0.0.1:${this.ports[i]}`;
  }

  /** The servers, starting with a different one for each node. */
  from(i: number): readonly string[] {
    return [0, 1, 2].map((k) => this.url((i + k) % 3));
  }

  /** SIGKILL. */
  async kill(i: number): Promise<void> {
    await this.servers[i]?.kill();
  }

  async restart(i: number): Promise<void> {
    this.servers[i] = await this.run(i, this.servers[i]?.dir);
  }

  async stop(): Promise<void> {
    for (const server of this.servers) {
      await server.stop();
      await rm(server.dir, { recursive: true, force: true });
    }
  }

  private run(i: number, dir: string | undefined): Promise<RunningServer> {
    const routes = this.routes.map((port) => `nats://127.0.0.1:${port}`).join(',');
    return startNatsServer({
      port: this.ports[i] as number,
      ...(dir === undefined ? {} : { dir }),
      args: [
        '-n',
        `s${i}`,
        '--cluster_name',
        'switchyard',
        '--cluster',
        `nats://127.0.0.1:${this.routes[i]}`,
        '--routes',
        routes,
      ],
    });
  }
}
