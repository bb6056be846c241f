import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from '../ports.js';
import { type RunningServer, startProcess } from './process.js';
import { requireProgram, serverAccount } from './programs.js';

export interface DatabaseServerOptions {
  /** Default: a free one. Give the same port and folder again to restart a server on its data. */
  readonly port?: number;
  readonly dir?: string;
}

/** Starts a private PostgreSQL on loopback with an empty database "switchyard". */
export async function startPostgres(options: DatabaseServerOptions = {}): Promise<RunningServer> {
  const initdb = requireProgram('initdb');
  const postgres = requireProgram('postgres');
  const account = serverAccount('postgres');
  const port = options.port ?? (await freePort());
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'switchyard-postgres-'));
  mkdirSync(dir, { recursive: true });
  if (account !== undefined) chownSync(dir, account.uid, account.gid);
  const data = join(dir, 'data');
  if (!existsSync(join(data, 'PG_VERSION'))) {
    const args = [
      '-D',
      data,
      '-U',
      'switchyard',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale=C',
      '--no-sync',
      '--no-instructions',
    ];
    await promisify(execFile)(initdb, args, { cwd: dir, timeout: 60_000, ...(account ?? {}) });
  }
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    // Committed data must survive a kill of the server, but not a power loss.
    'fsync=off',
    'full_page_writes=off',
    'max_connections=60',
    'shared_buffers=32MB',
  ];
  const connectionString = (database: string) => `postgres://switchyard:secret@127.0.0.1:${port}/${database}`;
  const server = await startProcess({
    name: 'postgres',
    command: postgres,
    args: ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    url: connectionString('switchyard'),
    port,
    dir,
    account,
    stopSignal: 'SIGINT',
    ready: () => query(connectionString('postgres'), 'select 1').then(isTrue, isFalse),
    readyMs: 30_000,
  });
  await query(connectionString('postgres'), 'create database switchyard').catch((error: { code?: string }) => {
    if (error.code !== '42P04') throw error;
  });
  return server;
}

const isTrue = () => true;
const isFalse = () => false;

async function query(connectionString: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end().catch(() => {});
  }
}
