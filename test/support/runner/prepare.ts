import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMariadb } from '../servers/mariadb.js';
import { startNatsServer } from '../servers/nats.js';
import { startPostgres } from '../servers/postgres.js';
import type { RunningServer } from '../servers/process.js';
import {
  canInstall,
  findProgram,
  installPackages,
  MARIADB_PROGRAMS,
  PROGRAMS,
  type ProgramKey,
} from '../servers/programs.js';

export interface PreparedServers {
  /** Missing programs; each makes tests skip, and fails the run when CI=true. */
  readonly problems: readonly string[];
  stop(): Promise<void>;
}

interface ServerKind {
  readonly variable: string;
  readonly programs: readonly ProgramKey[];
  readonly start: (dir: string) => Promise<RunningServer>;
}

const SERVERS: readonly ServerKind[] = [
  { variable: 'NATS_URL', programs: ['nats'], start: (dir) => startNatsServer({ dir }) },
  { variable: 'TEST_PG_URL', programs: ['postgres', 'initdb'], start: (dir) => startPostgres({ dir }) },
  { variable: 'TEST_MYSQL_URL', programs: MARIADB_PROGRAMS, start: (dir) => startMariadb({ dir }) },
];

const isSet = (variable: string) => (process.env[variable] ?? '') !== '';

/**
 * Installs what is missing where possible, starts a private server of each kind in parallel unless the environment has
 * its URL, and puts the URLs into the environment that the test processes inherit.
 */
export async function prepareServers(signal: AbortSignal): Promise<PreparedServers> {
  const problems = signal.aborted ? [] : installMissing();
  const root = mkdtempSync(join(tmpdir(), 'switchyard-test-'));
  // Servers run under other accounts and need access to their folders.
  chmodSync(root, 0o711);
  const running: RunningServer[] = [];
  const wanted = SERVERS.filter((kind) => !isSet(kind.variable) && kind.programs.every((key) => findProgram(key)));
  await Promise.all(
    wanted.map(async (kind) => {
      const dir = join(root, kind.variable);
      mkdirSync(dir);
      try {
        const server = await kind.start(dir);
        running.push(server);
        process.env[kind.variable] = server.url;
      } catch (error) {
        problems.push(`FAILED: ${kind.variable}: ${(error as Error).message}`);
      }
    }),
  );
  return {
    problems,
    async stop() {
      await Promise.all(running.map((server) => server.stop()));
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function installMissing(): string[] {
  let missing = missingPrograms();
  if (missing.length > 0 && canInstall()) {
    const packages = [...new Set(missing.map((key) => PROGRAMS[key].debianPackage))];
    console.log(`installing ${packages.join(' ')}`);
    const failure = installPackages(packages);
    if (failure !== undefined) console.error(failure);
    missing = missingPrograms();
  }
  const lines = missing.map((key) => {
    const { name, debianPackage } = PROGRAMS[key];
    return `MISSING: ${name} (Debian package ${debianPackage}): the tests that need it are skipped`;
  });
  for (const line of lines) console.error(line);
  return process.env['CI'] === 'true' ? lines : [];
}

function missingPrograms(): ProgramKey[] {
  const provided = SERVERS.filter((kind) => isSet(kind.variable)).flatMap((kind) => kind.programs);
  const keys = Object.keys(PROGRAMS) as ProgramKey[];
  return keys.filter((key) => !provided.includes(key) && findProgram(key) === undefined);
}
