import { rmSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { startMariadb } from './servers/mariadb.js';
import { startPostgres } from './servers/postgres.js';
import type { RunningServer } from './servers/process.js';
import { findProgram, MARIADB_PROGRAMS, PROGRAMS, type ProgramKey } from './servers/programs.js';

export { startMariadb } from './servers/mariadb.js';
export { type NatsServerOptions, startNatsServer } from './servers/nats.js';
export { type DatabaseServerOptions, startPostgres } from './servers/postgres.js';
export type { RunningServer } from './servers/process.js';

/*
 * Requirements of tests. Each function returns the resource, or undefined after it has marked the test as skipped (with
 * CI=true it throws, so that the test fails): `const url = await requirePostgres(t); if (url === undefined) return;`
 * The test runner started the servers, which all tests share: use unique names in them. A test file that is run alone
 * gets its own server.
 */

/** URL of a PostgreSQL database. */
export function requirePostgres(t: TestContext): Promise<string | undefined> {
  return requireServer(t, 'TEST_PG_URL', ['postgres', 'initdb'], startPostgres);
}

/** URL of a MySQL or MariaDB database. */
export function requireMysql(t: TestContext): Promise<string | undefined> {
  return requireServer(t, 'TEST_MYSQL_URL', MARIADB_PROGRAMS, startMariadb);
}

/** Path of an installed program. */
export function requireTool(t: TestContext, key: ProgramKey): string | undefined {
  const path = findProgram(key);
  if (path === undefined) missing(t, key);
  return path;
}

const started = new Map<string, Promise<RunningServer>>();

async function requireServer(
  t: TestContext,
  variable: string,
  programs: readonly ProgramKey[],
  start: () => Promise<RunningServer>,
): Promise<string | undefined> {
  const given = process.env[variable];
  if (given !== undefined && given !== '') return given;
  const absent = programs.find((key) => findProgram(key) === undefined);
  if (absent !== undefined) {
    missing(t, absent, variable);
    return undefined;
  }
  let server = started.get(variable);
  if (server === undefined) {
    server = start();
    started.set(variable, server);
    stopAtExit(server);
  }
  return (await server).url;
}

function missing(t: TestContext, key: ProgramKey, variable?: string): void {
  const { name, debianPackage } = PROGRAMS[key];
  const remedy = variable === undefined ? '' : ` and ${variable} is not set`;
  const message = `${name} (Debian package ${debianPackage}) is not installed${remedy}`;
  if (process.env['CI'] === 'true') throw new Error(message);
  process.stderr.write(`SKIPPED ${t.name}: ${message}\n`);
  t.skip(message);
}

function stopAtExit(pending: Promise<RunningServer>): void {
  pending.then(
    (server) => {
      let done = false;
      process.once('beforeExit', () => {
        if (done) return;
        done = true;
        void server.stop().then(() => rmSync(server.dir, { recursive: true, force: true }));
      });
      process.once('exit', () => {
        if (!done && server.alive) process.kill(server.pid, 'SIGKILL');
      });
    },
    () => {},
  );
}
