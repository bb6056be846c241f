import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../ports.js';
import { answers, type RunningServer, startProcess } from './process.js';
import { requireProgram } from './programs.js';

export interface NatsServerOptions {
  /** Default: a free one. Give the same port and folder again to restart a server on its data. */
  readonly port?: number;
  /** Folder of the JetStream store and the log; default: a new temporary one. */
  readonly dir?: string;
  /** Further command line arguments. */
  readonly args?: readonly string[];
}

/** Starts a private nats-server with JetStream on loopback. */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<RunningServer> {
  const command = requireProgram('nats');
  const port = options.port ?? (await freePort());
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'switchyard-nats-'));
  mkdirSync(dir, { recursive: true });
  return startProcess({
    name: 'nats-server',
    command,
    args: ['-js', '-sd', join(dir, 'jetstream'), '-a', '127.0.0.1', '-p', String(port), ...(options.args ?? [])],
    url: `nats://127.0.0.1:${port}`,
    port,
    dir,
    stopSignal: 'SIGTERM',
    ready: () => answers(port, /^INFO /),
    readyMs: 10_000,
  });
}
