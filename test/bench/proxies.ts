import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child, isBound } from '../support/child-process.js';
import { freePort } from '../support/ports.js';
import { renderTemplate } from '../support/template.js';

/** A proxy under measurement. */
export interface ProxyUnderTest {
  readonly name: string;
  /** UDP port on 127.0.0.1. */
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts a proxy that distributes calls over the destinations at these two ports of 127.0.0.1. */
export type StartProxy = (destinations: readonly [number, number]) => Promise<ProxyUnderTest>;

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The floor: a Node process that forwards the datagrams without knowledge of SIP. */
export const startFloor: StartProxy = async (destinations) => {
  const port = await freePort();
  const args = ['--import', 'tsx', here('./floor.ts'), String(port), ...destinations.map(String)];
  return settle('floor', port, new Child(process.execPath, args), async () => {});
};

/** The folder of Kamailio's modules in Debian; undefined when Kamailio is not installed. */
export function kamailioModules(): string | undefined {
  const found = readdirSync('/usr/lib', { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `/usr/lib/${entry.name}/kamailio/modules`)
    .find((folder) => existsSync(join(folder, 'dispatcher.so')));
  return found;
}

/** Writes kamailio.cfg of the benchmark and its list of destinations into a folder. */
export async function writeKamailioFiles(
  folder: string,
  job: { readonly port: number; readonly destinations: readonly [number, number]; readonly modules: string },
): Promise<void> {
  const list = join(folder, 'dispatcher.list');
  const template = await readFile(here('./kamailio/kamailio.cfg'), 'utf8');
  const { port, modules } = job;
  await writeFile(list, job.destinations.map((destination) => `1 sip:127.0.0.1:${destination}\n`).join(''));
  await writeFile(join(folder, 'kamailio.cfg'), renderTemplate(template, { port, modules, list }, 'kamailio.cfg'));
}

/** Kamailio with one UDP worker and the same job (kamailio/kamailio.cfg). */
export const startKamailio: StartProxy = async (destinations) => {
  const modules = kamailioModules();
  if (modules === undefined) throw new Error('kamailio is not installed');
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'bench-kamailio-'));
  await writeKamailioFiles(folder, { port, destinations, modules });
  const child = new Child('kamailio', ['-f', 'kamailio.cfg', '-DD', '-E', '-m', '1024', '-Y', folder], { cwd: folder });
  return settle('kamailio', port, child, () => rm(folder, { recursive: true, force: true }));
};

/** Waits until the port is bound; `release` is called once, after the process has ended. */
export async function settle(
  name: string,
  port: number,
  child: Child,
  release: () => Promise<void>,
): Promise<ProxyUnderTest> {
  const stop = async () => {
    await child.stop('SIGTERM', 5000);
    await release();
  };
  try {
    await child.until(() => isBound(port, 'udp'), 15_000, name);
  } catch (error) {
    await stop();
    throw error;
  }
  return { name, port, pid: child.pid, stop };
}
