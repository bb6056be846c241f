import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DgramSocket } from 'node-unix-socket';
import { Child } from '../support/child-process.js';
import { runCli } from '../support/command-line.js';
import { writeTable } from '../support/daemon-process.js';
import { DatagramPeer } from '../support/datagram-peer.js';
import { freePort } from '../support/ports.js';
import { SWITCHYARD } from '../support/program.js';
import { requestText } from '../support/sip-recorder.js';
import { until } from '../support/until.js';

const ROOT = resolve(import.meta.dirname, '../..');
const UNIT = readFileSync(join(ROOT, 'examples/deploy/switchyard.service'), 'utf8');
/** Replaced from the environment when the settings are read. */
const DATA = ['$', '{SWITCHYARD_DATA}'].join('');
const PROGRAM = ['/usr/bin/node', '/opt/switchyard/dist/main.js'];

const inUnit = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(UNIT)?.[1] ?? '';

/** Receives a service's datagrams like systemd (sd_notify). */
function notifySocket(t: TestContext, path: string): string[] {
  const messages: string[] = [];
  const socket = new DgramSocket();
  socket.on('data', (bytes: Buffer) => messages.push(bytes.toString()));
  socket.bind(path);
  t.after(() => socket.close());
  return messages;
}

/** Runs the unit's command like systemd: with its arguments, environment and working directory. */
function startUnit(t: TestContext, folder: string, socket: string): Child {
  const words = inUnit('ExecStart').split(' ');
  assert.deepEqual(words.slice(0, 2), PROGRAM);
  const at = (path: string) =>
    path
      .replace('/etc/switchyard', `${folder}/etc`)
      .replace('/var/lib/', `${folder}/`)
      .replace('/run/', `${folder}/run-`);
  const environment = inUnit('Environment')
    .split(' ')
    .map((pair) => pair.split('=') as [string, string])
    .map(([name, value]) => [name, at(value)] as const);
  const seconds = Number.parseInt(inUnit('WatchdogSec'), 10);
  const child = new Child(process.execPath, [...SWITCHYARD, ...words.slice(2).map(at)], {
    cwd: at(inUnit('WorkingDirectory')),
    env: {
      PATH: process.env['PATH'],
      ...Object.fromEntries(environment),
      NOTIFY_SOCKET: socket,
      WATCHDOG_USEC: String(seconds * 1_000_000),
    },
  });
  t.after(() => child.stop('SIGKILL'));
  return child;
}

/** Runs the container's HEALTHCHECK against another port; returns its exit status. */
async function healthCheck(port: number): Promise<number | null> {
  const file = readFileSync(join(ROOT, 'examples/deploy/Dockerfile'), 'utf8');
  const [, command = ''] = /^HEALTHCHECK (?:--\S+ |\\\n\s*)*CMD (\[.*\])$/m.exec(file) ?? [];
  assert.match(command, /127\.0\.0\.1:8085\/livez/);
  const [program = '', ...args] = JSON.parse(command.replace(':8085/', `:${port}/`)) as string[];
  return new Child(program, args).exited;
}

test('the unit is watched by the notifications of the daemon, and asks no path of its HTTP listener', () => {
  assert.match(UNIT, /^Type=notify$/m);
  assert.match(UNIT, /^WatchdogSec=[0-9]+s$/m);
  assert.doesNotMatch(UNIT, /health|curl|wget|http:/i);
});

test('nothing of the unit runs before the daemon, and no database is waited for', () => {
  assert.doesNotMatch(UNIT, /^ExecStartPre=|^ExecCondition=/m);
  assert.doesNotMatch(UNIT, /^(Requires|BindsTo|Requisite)=/m);
});

test('the unit starts with a database that refuses, one that never answers and one that is missing; the other tenants serve', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-boot-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['etc', 'switchyard', 'run-switchyard']) mkdirSync(join(folder, name));
  // It accepts connections and never answers.
  const silent = createServer(() => {});
  await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
  t.after(() => silent.close());
  const { port: silentPort } = silent.address() as { port: number };
  const gateway = await DatagramPeer.open();
  t.after(() => gateway.close());
  const caller = await DatagramPeer.open();
  t.after(() => caller.close());
  await writeTable(join(folder, 'switchyard', 'db'), [[1, `sip:127.0.0.1:${gateway.port}`]]);
  const [sip, http, closed] = [await freePort(), await freePort(), await freePort()];
  const config = join(folder, 'etc', 'switchyard.json');
  writeFileSync(
    config,
    JSON.stringify({
      listen: [`udp:127.0.0.1:${sip}`],
      http: `127.0.0.1:${http}`,
      mi: { http: {} },
      routing: [{ select: { partition: 'acme', set: 1, alg: 8 }, relay: 'stateful' }],
      partitions: [
        { name: 'acme', db_url: `text:${DATA}/db` },
        { name: 'refused', db_url: `postgres://user:secret@127.0.0.1:${closed}/sip` },
        { name: 'silent', db_url: `mysql://user:secret@127.0.0.1:${silentPort}/sip` },
        { name: 'missing', db_url: `sqlite:${DATA}/missing.db` },
      ],
    }),
  );
  const socket = join(folder, 'notify');
  const messages = notifySocket(t, socket);
  const began = performance.now();
  const child = startUnit(t, folder, socket);
  await until('READY', () => messages.some((each) => each.startsWith('READY=1')), { milliseconds: 20_000 });
  assert.ok(performance.now() - began < 15_000, 'ready before a database has timed out for good');

  await caller.send(requestText({ callId: 'boot' }), sip, '127.0.0.1');
  await gateway.expect(/^INVITE [\s\S]*Call-ID: boot/);
  const get = (path: string) => fetch(`http://127.0.0.1:${http}${path}`).then((answer) => answer.status);
  assert.deepEqual([await get('/livez'), await get('/readyz')], [200, 200]);
  // The container's check, as in the file, succeeds with one failed tenant and fails without the daemon.
  assert.equal(await healthCheck(http), 0);
  assert.equal(await healthCheck(closed), 1);
  const status = await runCli([
    'mi',
    '--to',
    `http://127.0.0.1:${http}/mi`,
    '--json',
    'sr_list_status',
    'group=dispatcher',
  ]);
  assert.equal(status.status, 0, status.err);
  const identifiers = JSON.parse(status.out) as { Name: string; Readiness: boolean }[];
  const ready = identifiers.filter(({ Name, Readiness }) => Readiness && !Name.includes(';')).map(({ Name }) => Name);
  assert.deepEqual(ready, ['acme']);

  // The error names the table that cannot be reloaded, without the password.
  const tables = await runCli(['reload', '--tables', '--partition', 'refused', '--config', config]);
  assert.equal(tables.status, 1);
  assert.match(tables.err, /^partition refused: /);
  assert.match(tables.err, /reloaded: 0 partitions, 1 could not be read and keep their destinations\n$/);
  assert.doesNotMatch(tables.err + child.stderr, /secret/);
  child.process.kill('SIGTERM');
  assert.equal(await child.exited, 0);
});
