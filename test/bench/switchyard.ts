import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from '../support/child-process.js';
import { freePort } from '../support/ports.js';
import { type ProxyUnderTest, type StartProxy, settle, writeKamailioFiles } from './proxies.js';
import { ROUTING } from './routing.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ENTRY = join(ROOT, 'dist', 'main.js');

/** The daemon with the additional endpoints the benchmarks use. */
export interface SwitchyardProxy extends ProxyUnderTest {
  /** Base URL of /metrics and /mi. */
  readonly http: string;
  /** Adds destinations to its table; they are used from the next ds_reload on. */
  addRows(rows: readonly Row[]): Promise<void>;
}

/** A row of the dispatcher table; other columns have their defaults. */
export interface Row {
  readonly setid: number;
  readonly destination: string;
}

/** Builds dist/ from src/ when a source file is newer, so that the shipped program is measured. */
export function buildSwitchyard(): void {
  if (existsSync(ENTRY)) {
    const built = statSync(ENTRY).mtimeMs;
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
    if (sources.every((name) => statSync(join(ROOT, 'src', name)).mtimeMs <= built)) return;
  }
  execFileSync('npm', ['run', '-s', 'build'], { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
}

export interface StartOptions {
  /** Its name in the table of results. */
  readonly name?: string;
  readonly limits?: Readonly<Record<string, unknown>>;
  /** Other keys of its settings. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/**
 * Starts the daemon from dist/ with a configuration in a temporary folder: a SQLite table with the two destinations in
 * set 1, one rule, and the default features enabled. `nodeArgs`: arguments of node.
 */
export async function startSwitchyardWith(
  destinations: readonly [number, number],
  nodeArgs: readonly string[] = [],
  { name = 'switchyard', limits = {}, more = {} }: StartOptions = {},
): Promise<SwitchyardProxy> {
  const port = await freePort();
  const httpPort = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'bench-switchyard-'));
  const release = () => rm(folder, { recursive: true, force: true });
  const settings = {
    listen: [`udp:127.0.0.1:${port}`],
    http: `127.0.0.1:${httpPort}`,
    mi: { http: { root: 'mi' } },
    modparam: { db_url: 'sqlite:./switchyard.db' },
    tm: { fr_timeout: 5, fr_inv_timeout: 120 },
    limits,
    ...more,
    log: { level: 'warn' },
    routing: ROUTING,
  };
  const config = join(folder, 'switchyard.json');
  await writeFile(config, JSON.stringify(settings, undefined, 2));
  const addRows = async (rows: readonly Row[]) => {
    const file = join(folder, 'rows.json');
    await writeFile(file, JSON.stringify(rows));
    await command(folder, ['db', 'import', '--config', config, '--partition', 'default', file]);
  };
  try {
    await command(folder, ['db', 'init', '--config', config]);
    await addRows(destinations.map((destination) => ({ setid: 1, destination: `sip:127.0.0.1:${destination}` })));
  } catch (error) {
    await release();
    throw error;
  }
  const child = new Child(process.execPath, [...nodeArgs, ENTRY, 'serve', '--config', config], { cwd: folder });
  const proxy = await settle(name, port, child, release);
  return { ...proxy, http: `http://127.0.0.1:${httpPort}`, addRows };
}

/** The daemon with Kamailio's file of this benchmark: its script is run by the interpreter. */
export const startSwitchyardOnScript: StartProxy = async (destinations) => {
  const port = await freePort();
  const httpPort = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'bench-switchyard-cfg-'));
  // No modules are loaded from it: any folder will do.
  await writeKamailioFiles(folder, { port, destinations, modules: '/usr/lib/kamailio/modules' });
  const beside = { http: `127.0.0.1:${httpPort}`, mi: { http: { root: 'mi' } }, log: { level: 'warn' } };
  await writeFile(join(folder, 'switchyard.json'), JSON.stringify(beside));
  const child = new Child(process.execPath, [ENTRY, 'serve', '--cfg', join(folder, 'kamailio.cfg')], { cwd: folder });
  return settle('script', port, child, () => rm(folder, { recursive: true, force: true }));
};

/** Runs a command of the CLI. Throws with its output when it fails. */
async function command(folder: string, args: readonly string[]): Promise<void> {
  const child = new Child(process.execPath, [ENTRY, ...args], { cwd: folder });
  const code = await child.exited;
  if (code !== 0) throw new Error(`switchyard ${args.slice(0, 2).join(' ')}: exit status ${code}: ${child.said()}`);
}

export const startSwitchyard: StartProxy = (destinations) => startSwitchyardWith(destinations);

/** The same daemon without batched system calls. */
export const startSwitchyardPlain: StartProxy = (destinations) =>
  startSwitchyardWith(destinations, [], { name: 'sw-plain', limits: { batch_datagrams: false } });
