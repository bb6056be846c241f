import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, isBound } from './child-process.js';
import { askMi } from './mi-http.js';
import { freePort } from './ports.js';
import { BUILT_MAIN, SWITCHYARD } from './program.js';
import { workersSetting } from './workers.js';

/** Maximum start time in milliseconds: with workers several processes start, perhaps on a busy machine. */
const START_MS = 60_000;

export interface DaemonProcessOptions {
  /** Rows of the default partition's table in order: set id, URI and sending socket. */
  readonly destinations: readonly (readonly [setId: number, uri: string, socket?: string])[];
  /** Keys of switchyard.json, added to the defaults: one UDP socket, HTTP with MI, a db_text table. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Transports to listen on, all at one port of 127.0.0.1 (and of ::1 with `ipv6`). Default udp. */
  readonly transports?: readonly ('udp' | 'tcp')[];
  readonly ipv6?: boolean;
  /** Its name server, "127.0.0.1:port"; default: that of the machine. */
  readonly dns?: string;
  /**
   * Runs dist/ as made by `npm run build`. Default: what SWITCHYARD of program.ts says.
   */
  readonly built?: boolean;
  /** Path of the built program, if not in this folder. */
  readonly program?: string;
}

/** The daemon in its own process. */
export interface DaemonProcess {
  readonly port: number;
  /** Base URL of /mi, /metrics and /health. */
  readonly http: string;
  readonly pid: number;
  /** The folder with its configuration and its table. */
  readonly folder: string;
  /** Runs an MI command over HTTP. Throws on an error reply. */
  mi(method: string, params?: object): Promise<unknown>;
  /** Its log so far. */
  log(): string;
  /** Stops it with SIGTERM; resolves with its exit status. */
  stop(): Promise<number | null>;
}

/** Starts the daemon and waits until it listens. Throws with its output when it fails. */
export async function startDaemon(options: DaemonProcessOptions): Promise<DaemonProcess> {
  const port = await freePort();
  const httpPort = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-'));
  await writeTable(join(folder, 'db'), options.destinations);
  const hosts = options.ipv6 ? ['127.0.0.1', '[::1]'] : ['127.0.0.1'];
  const transports = options.transports ?? ['udp'];
  const settings = {
    listen: transports.flatMap((transport) => hosts.map((host) => `${transport}:${host}:${port}`)),
    http: `127.0.0.1:${httpPort}`,
    mi: { http: { root: 'mi' } },
    modparam: { db_url: 'text:./db' },
    log: { level: 'warn' },
    ...(transports.includes('udp') ? workersSetting(options.settings) : {}),
    ...options.settings,
  };
  const config = join(folder, 'switchyard.json');
  await writeFile(config, JSON.stringify(settings, undefined, 2));
  const { program = BUILT_MAIN, built = false } = options;
  const imports: string[] = [];
  if (options.dns !== undefined) {
    const file = join(folder, 'dns.mjs');
    await writeFile(file, `import dns from 'node:dns';\ndns.setServers([${JSON.stringify(options.dns)}]);\n`);
    imports.push('--import', file);
  }
  const child = new Child(
    process.execPath,
    [...imports, ...(built ? [program] : SWITCHYARD), 'serve', '--config', config],
    {
      cwd: folder,
    },
  );
  const http = `http://127.0.0.1:${httpPort}`;
  const stop = async () => {
    const code = await child.stop('SIGTERM', 10_000);
    await rm(folder, { recursive: true, force: true });
    return code;
  };
  try {
    await child.until(() => isBound(port, transports[0] ?? 'udp'), START_MS, 'switchyard');
    // HTTP opens after SIP, and tests use it at once.
    if (settings.http === `127.0.0.1:${httpPort}`) {
      await child.until(() => isBound(httpPort, 'tcp'), START_MS, 'switchyard');
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    http,
    pid: child.pid,
    folder,
    log: () => child.stderr,
    stop,
    mi: (method, params) => askMi(http, method, params),
  };
}

/** Writes a db_text table of destinations. */
export async function writeTable(folder: string, destinations: DaemonProcessOptions['destinations']): Promise<void> {
  await mkdir(folder);
  await writeFile(join(folder, 'version'), 'table_name(string) table_version(int)\ndispatcher:9\n');
  const text = (value: string) => value.replaceAll(':', '\\:');
  const rows = destinations.map(
    ([setId, uri, socket = ''], i) => `${i + 1}:${setId}:${text(uri)}:${text(socket)}:0:0:1:0::\n`,
  );
  const columns =
    'id(int,auto) setid(int) destination(string) socket(string,null) state(int) probe_mode(int) weight(string) priority(int) attrs(string) description(string)';
  await writeFile(join(folder, 'dispatcher'), `${columns}\n${rows.join('')}`);
}
