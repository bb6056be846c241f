import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../src/config/load.js';
import { type Logger, nullLogger } from '../../src/core/logger.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { Child } from './child-process.js';
import { freePort } from './ports.js';

/** The daemon with Kamailio's endpoints in the test's process, on a list file. */
export interface KamailioDaemon {
  readonly daemon: Daemon;
  /** Paths of the endpoints and of the list file. */
  readonly ctl: string;
  readonly ctlDatagram: string;
  readonly fifo: string;
  readonly socket: string;
  readonly list: string;
  readonly folder: string;
  /** Port of ctl over TCP and UDP, and port of the HTTP listener. */
  readonly port: number;
  readonly httpPort: number;
  /** Warnings so far. */
  readonly warnings: readonly string[];
  /** Value of a counter of refused requests. */
  refused(endpoint: string, reason: string): number;
  stop(): Promise<void>;
}

export interface KamailioDaemonOptions {
  readonly list: readonly string[];
  readonly compat?: 'default' | 'strict';
  /** Further keys of the kamailio partition. */
  readonly partition?: Readonly<Record<string, unknown>>;
  readonly modparam?: Readonly<Record<string, unknown>>;
  /** Further partitions before the kamailio one. */
  readonly partitions?: readonly unknown[];
}

export async function startKamailioDaemon(options: KamailioDaemonOptions): Promise<KamailioDaemon> {
  const folder = await mkdtemp(join(tmpdir(), 'sw-'));
  const at = (name: string): string => join(folder, name);
  const list = at('dispatcher.list');
  await writeFile(list, `${options.list.join('\n')}\n`);
  const [port, httpPort] = [await freePort(), await freePort()];
  const { compat = 'default', modparam = {}, partitions = [] } = options;
  const kamailio = { name: 'gw', db_url: `list:${list}`, flavour: 'kamailio', compat, ...options.partition };
  const { settings } = readSettings(
    {
      listen: ['udp:127.0.0.1:0'],
      http: `127.0.0.1:${httpPort}`,
      modparam,
      partitions: [...partitions, kamailio],
      mi: {
        ctl: ['unixs:./ctl', 'unixd:./ctl.dgram', `tcp:127.0.0.1:${port}`, `udp:127.0.0.1:${port}`].map(
          (socket_name) => ({
            socket_name,
          }),
        ),
        jsonrpc: { fifo_name: 'rpc.fifo', fifo_reply_dir: '/tmp', dgram_socket: 'unix:./rpc.sock', http_root: 'RPC' },
      },
    },
    { cwd: folder },
  );
  const warnings: string[] = [];
  const log: Logger = {
    ...nullLogger,
    warn: (_details: unknown, text?: string) => warnings.push(text ?? ''),
  } as Logger;
  const daemon = new Daemon({ settings, log: { ...log, child: () => log } as Logger, drainMs: 100 });
  await daemon.start();
  const refusals = daemon.metrics.counter('switchyard_mi_refused_total', '');
  return {
    daemon,
    ctl: at('ctl'),
    ctlDatagram: at('ctl.dgram'),
    fifo: at('rpc.fifo'),
    socket: at('rpc.sock'),
    list,
    folder,
    port,
    httpPort,
    warnings,
    refused: (endpoint, reason) => refusals.with({ endpoint: endpoint, reason }).value,
    async stop() {
      await daemon.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Runs a client and returns its output. Throws when it fails or does not end. */
export async function runTool(path: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const child = new Child(path, args, { env: { ...process.env, ...env } });
  const timer = setTimeout(() => void child.stop('SIGKILL'), 20_000);
  const code = await child.exited;
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${path} ${args.join(' ')} ended with ${code}: ${child.said()}`);
  return child.stdout;
}
