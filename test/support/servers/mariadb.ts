import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../ports.js';
import type { DatabaseServerOptions } from './postgres.js';
import { answers, type RunningServer, startProcess } from './process.js';
import { requireProgram, serverAccount } from './programs.js';

/** Starts a private MariaDB on loopback with an empty database "switchyard". */
export async function startMariadb(options: DatabaseServerOptions = {}): Promise<RunningServer> {
  const install = requireProgram('mariadbInstall');
  const mariadbd = requireProgram('mariadb');
  const account = serverAccount('mysql');
  const port = options.port ?? (await freePort());
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'switchyard-mariadb-'));
  mkdirSync(dir, { recursive: true });
  if (account !== undefined) chownSync(dir, account.uid, account.gid);
  // Temporary tables are in `dir` as well: a starting server removes all that it finds, including those of other
  // servers.
  const data = join(dir, 'data');
  if (!existsSync(join(data, 'mysql'))) {
    const args = ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'];
    const env = { ...process.env, TMPDIR: dir };
    await promisify(execFile)(install, args, { cwd: dir, env, timeout: 60_000, ...(account ?? {}) });
  }
  const init = join(dir, 'init.sql');
  writeFileSync(
    init,
    [
      'CREATE DATABASE IF NOT EXISTS switchyard;',
      "CREATE USER IF NOT EXISTS 'switchyard'@'%' IDENTIFIED BY 'secret';",
      "GRANT ALL PRIVILEGES ON *.* TO 'switchyard'@'%';",
      '',
    ].join('\n'),
    { mode: 0o644 },
  );
  return startProcess({
    name: 'mariadbd',
    command: mariadbd,
    args: [
      '--no-defaults',
      `--datadir=${data}`,
      `--tmpdir=${dir}`,
      `--init-file=${init}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(dir, 'socket')}`,
      `--pid-file=${join(dir, 'pid')}`,
      '--skip-log-bin',
      '--skip-name-resolve',
      // Committed data survive a kill of the server, but not a power loss.
      '--innodb-flush-log-at-trx-commit=2',
      '--innodb-buffer-pool-size=32M',
      '--performance-schema=OFF',
    ],
    url: `mysql://switchyard:secret@127.0.0.1:${port}/switchyard`,
    port,
    dir,
    account,
    stopSignal: 'SIGTERM',
    // The port is opened only after the init file has run.
    ready: () => answers(port, /mysql_native_password|MariaDB/),
    readyMs: 30_000,
  });
}
