import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program that some tests need, and its Debian package. */
export interface Program {
  readonly name: string;
  readonly debianPackage: string;
}

export const PROGRAMS = {
  nats: { name: 'nats-server', debianPackage: 'nats-server' },
  postgres: { name: 'postgres', debianPackage: 'postgresql' },
  initdb: { name: 'initdb', debianPackage: 'postgresql' },
  mariadb: { name: 'mariadbd', debianPackage: 'mariadb-server-core' },
  mariadbInstall: { name: 'mariadb-install-db', debianPackage: 'mariadb-server-core' },
  // mariadb-install-db calls it, but its package does not depend on it.
  mariadbDefaults: { name: 'my_print_defaults', debianPackage: 'mariadb-client-core' },
  sipp: { name: 'sipp', debianPackage: 'sip-tester' },
  kamcmd: { name: 'kamcmd', debianPackage: 'kamailio' },
  kamctl: { name: 'kamctl', debianPackage: 'kamailio' },
  kamailio: { name: 'kamailio', debianPackage: 'kamailio' },
  kamcli: { name: 'kamcli', debianPackage: 'kamcli' },
  curl: { name: 'curl', debianPackage: 'curl' },
  zsh: { name: 'zsh', debianPackage: 'zsh' },
  fish: { name: 'fish', debianPackage: 'fish' },
  socat: { name: 'socat', debianPackage: 'socat' },
  sipsak: { name: 'sipsak', debianPackage: 'sipsak' },
  openssl: { name: 'openssl', debianPackage: 'openssl' },
  promtool: { name: 'promtool', debianPackage: 'prometheus' },
  compose: { name: 'docker-compose', debianPackage: 'docker-compose' },
  chromium: { name: 'chromium', debianPackage: 'chromium' },
  tshark: { name: 'tshark', debianPackage: 'tshark' },
  man: { name: 'man', debianPackage: 'man-db' },
  m4: { name: 'm4', debianPackage: 'm4' },
  netcat: { name: 'nc', debianPackage: 'netcat-openbsd' },
} as const satisfies Record<string, Program>;

export type ProgramKey = keyof typeof PROGRAMS;

/** Programs that make and run a private MariaDB. */
export const MARIADB_PROGRAMS: readonly ProgramKey[] = ['mariadb', 'mariadbInstall', 'mariadbDefaults'];

/** Absolute path of a program, or undefined. Debian installs PostgreSQL's server programs outside PATH. */
export function findProgram(key: ProgramKey): string | undefined {
  const { name } = PROGRAMS[key];
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of [...folders, '/usr/sbin', '/usr/local/sbin', '/usr/local/bin', ...postgresFolders()]) {
    const path = join(folder, name);
    if (isExecutable(path)) return path;
  }
  return undefined;
}

/** Like findProgram, but throws when it is missing. */
export function requireProgram(key: ProgramKey): string {
  const path = findProgram(key);
  if (path !== undefined) return path;
  throw new Error(`${PROGRAMS[key].name} is not installed (Debian package ${PROGRAMS[key].debianPackage})`);
}

function postgresFolders(): string[] {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin'));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** An unprivileged account for servers that refuse to run as root; undefined when not running as root. */
export function serverAccount(preferred: string): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = new Map(
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map((fields) => [fields[0] ?? '', { uid: Number(fields[2]), gid: Number(fields[3]) }]),
  );
  return accounts.get(preferred) ?? accounts.get('nobody');
}

/** Whether missing programs can be installed: as root with apt-get. */
export function canInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

/**
 * Installs Debian packages without starting their services. Returns the error, or undefined. Refreshes the package
 * lists first and takes a few minutes at most.
 */
export function installPackages(packages: readonly string[]): string | undefined {
  const lock = ['-o', 'DPkg::Lock::Timeout=120', '-qq'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const options = { env, stdio: ['ignore', 'inherit', 'inherit'] as ('ignore' | 'inherit')[], timeout: 240_000 };
  const update = spawnSync('apt-get', [...lock, 'update'], options);
  if (update.status !== 0) return 'apt-get update failed';
  const install = spawnSync('apt-get', [...lock, 'install', '-y', '--no-install-recommends', ...packages], options);
  return install.status === 0 ? undefined : `apt-get install ${packages.join(' ')} failed`;
}
