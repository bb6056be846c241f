import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Child } from '../../test/support/child-process.js';
import { freePort } from '../../test/support/ports.js';
import { startNatsServer } from '../../test/support/servers/nats.js';
import type { RunningServer } from '../../test/support/servers/process.js';
import { findProgram } from '../../test/support/servers/programs.js';
import { type Caller, type Gateway, startCaller, startGateway } from '../../test/support/sip-endpoints.js';
import { type EventWatch, watchDatagrams, watchNats } from './events.js';

const ROOT = resolve(import.meta.dirname, '../..');
const ENTRY = join(ROOT, 'dist', 'main.js');

/** A gateway of a tenant and its row in the tenant's table. */
export interface GatewayPlan {
  readonly tenant: string;
  readonly name: string;
  readonly weight: number;
}

/** The gateways behind the daemon. Each has an address of its own, since npm `sip` takes its own address on any port for itself. */
const GATEWAYS: readonly (GatewayPlan & { readonly host: string })[] = [
  { tenant: 'acme', name: 'acme-1', weight: 2, host: '127.0.0.11' },
  { tenant: 'acme', name: 'acme-2', weight: 1, host: '127.0.0.12' },
  { tenant: 'acme', name: 'acme-3', weight: 1, host: '127.0.0.13' },
  { tenant: 'globex', name: 'globex-1', weight: 1, host: '127.0.0.21' },
  { tenant: 'globex', name: 'globex-2', weight: 1, host: '127.0.0.22' },
];
const CALLER_HOST = '127.0.0.31';

/** All parts of the demo: the daemon as a process of its own, gateways, a caller, a subscription to events. */
export class Stage {
  readonly gateways: (Gateway & Partial<GatewayPlan>)[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'switchyard-demo-'));
  readonly config = join(this.folder, 'switchyard.json');
  caller!: Caller;
  events!: EventWatch;
  daemon!: Child;
  /** Where calls are sent to. */
  proxy = '';
  /** Address of the console's page. */
  console = '';
  private nats: RunningServer | undefined;
  private readonly env: NodeJS.ProcessEnv = {
    ...process.env,
    SWITCHYARD_DATA: this.folder,
    SWITCHYARD_RUN: this.folder,
  };
  private closing: Promise<void> | undefined;

  /** Starts everything. `report` is called with what is being started. Throws; what was started is ended by `close` all the same. */
  async open(report: (what: string) => void): Promise<void> {
    if (!existsSync(ENTRY)) throw new Error('dist/main.js is missing: run "npm ci" or "npm run build" first');
    report('gateways and a caller');
    await this.openEndpoints();
    const url = process.env['NATS_URL'] || (await this.startNats(report));
    // The server that NATS_URL names may carry events of others: the subjects get a prefix of their own.
    const prefix = `switchyard-demo-${process.pid}`;
    if (url !== undefined) this.events = await watchNats(url, prefix);
    const port = await freePort();
    this.proxy = `sip:127.0.0.1:${port}`;
    this.env['DEMO_SIP_PORT'] = String(port);
    const httpPort = await freePort();
    this.env['DEMO_HTTP_PORT'] = String(httpPort);
    this.console = `http://127.0.0.1:${httpPort}/`;
    this.writeConfig(url === undefined ? undefined : { servers: [url], prefix });
    report('the tenants’ tables');
    await this.provision();
    report('the daemon');
    this.daemon = this.switchyard('serve');
    await this.daemon.until(() => this.daemon.stderr.includes('switchyard is ready'), 20_000, 'the daemon');
    if (url === undefined) {
      this.events = await watchDatagrams(async (target) => {
        await this.run('mi', '--config', this.config, 'event_subscribe', 'E_DISPATCHER_STATUS', target, '600');
      });
    }
  }

  /** Runs a command of the CLI on the demo's configuration to its end; what it printed. Throws when it fails. */
  async run(...args: readonly string[]): Promise<string> {
    const child = new Child(process.execPath, [ENTRY, ...args], { cwd: this.folder, env: this.env });
    const code = await child.exited;
    if (code !== 0) throw new Error(`switchyard ${args.join(' ')}: exit status ${code}: ${child.said()}`);
    return child.stdout;
  }

  /** Gateways of a tenant. */
  of(tenant: string): Gateway[] {
    return this.gateways.filter((gateway) => gateway.name.startsWith(`${tenant}-`));
  }

  gateway(name: string): Gateway {
    const found = this.gateways.find((gateway) => gateway.name === name);
    if (found === undefined) throw new Error(`no gateway ${name}`);
    return found;
  }

  /** Ends everything that was started, the daemon as its operator would, and removes the folder. The daemon's status. */
  async close(): Promise<number | null> {
    let status: number | null = null;
    this.closing ??= (async () => {
      status = (await this.daemon?.stop('SIGTERM', 8000)) ?? null;
      await this.events?.close().catch(() => {});
      await this.nats?.stop();
      for (const gateway of this.gateways) gateway.kill();
      this.caller?.stop();
      this.remove();
    })();
    await this.closing;
    return status;
  }

  /** Removes the folder only: for a process that is about to end. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async openEndpoints(): Promise<void> {
    try {
      for (const { name, host } of GATEWAYS) this.gateways.push(await startGateway({ name, host }));
      this.caller = await startCaller({ host: CALLER_HOST });
    } catch (error) {
      throw new Error(
        `${(error as Error).message}\nThe demo gives each gateway an address of its own, 127.0.0.11 and so on. Linux has them ` +
          'all; elsewhere they must be added first (macOS: sudo ifconfig lo0 alias 127.0.0.11, and so on for .12 .13 .21 .22 .31).',
      );
    }
  }

  private async startNats(report: (what: string) => void): Promise<string | undefined> {
    if (findProgram('nats') === undefined) return undefined;
    report('nats-server');
    this.nats = await startNatsServer({ dir: join(this.folder, 'nats') });
    return this.nats.url;
  }

  private writeConfig(nats: object | undefined): void {
    const template = join(import.meta.dirname, 'switchyard.json');
    const settings = JSON.parse(readFileSync(template, 'utf8')) as Record<string, unknown>;
    settings['partitions'] = resolve(dirname(template), settings['partitions'] as string);
    if (nats !== undefined) settings['events'] = { nats };
    writeFileSync(this.config, JSON.stringify(settings, undefined, 2));
  }

  private async provision(): Promise<void> {
    await this.run('db', 'init', '--config', this.config);
    for (const tenant of new Set(GATEWAYS.map((plan) => plan.tenant))) {
      const rows = GATEWAYS.filter((plan) => plan.tenant === tenant).map((plan) => ({
        setid: 1,
        destination: this.gateway(plan.name).uri,
        weight: plan.weight,
        description: plan.name,
      }));
      const file = join(this.folder, `${tenant}.json`);
      writeFileSync(file, JSON.stringify(rows));
      await this.run('db', 'import', '--config', this.config, '--partition', tenant, file);
    }
  }

  private switchyard(command: string): Child {
    return new Child(process.execPath, [ENTRY, command, '--config', this.config], { cwd: this.folder, env: this.env });
  }
}
