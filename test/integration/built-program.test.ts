import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { type DaemonProcess, startDaemon } from '../support/daemon-process.js';
import { startCaller, startGateway } from '../support/sip-endpoints.js';
import { until } from '../support/until.js';
import { workerPids } from '../support/workers.js';

const DIST = resolve(import.meta.dirname, '../../dist');
const skip = existsSync(join(DIST, 'main.js')) ? false : 'there is no dist/: npm run build';
const noWorkers = 'libc' in (await loadLibc()) ? skip : 'the system calls are not available';

/** Final status of a call through a built daemon whose only gateway is at `host`. */
async function callThrough(
  t: TestContext,
  host: string,
  settings: object,
): Promise<[DaemonProcess, number | undefined]> {
  const gateway = await startGateway({ host, name: host });
  t.after(() => gateway.kill());
  const daemon = await startDaemon({ built: true, destinations: [[1, gateway.uri]], settings: { ...settings } });
  t.after(() => daemon.stop());
  const caller = await startCaller({ host: '127.0.0.212' });
  t.after(() => caller.stop());
  const { status } = await caller.placeCall({ ruri: 'sip:1@example.com', proxy: `sip:127.0.0.1:${daemon.port}` });
  return [daemon, status];
}

const routing = [{ select: { set: 1, alg: 4 }, record_route: true }];

test('the built program finds what is not in its bundle: schemas, the page, the version', { skip }, async (t) => {
  const [daemon, status] = await callThrough(t, '127.0.0.211', { routing });
  assert.equal(status, 200);
  assert.equal((await fetch(`${daemon.http}/`)).status, 200);
  assert.match(JSON.stringify(await daemon.mi('version')), /[0-9]+\.[0-9]+\.[0-9]+/);
});

test('the built program starts its workers', { skip: noWorkers }, async (t) => {
  const [daemon, status] = await callThrough(t, '127.0.0.213', { routing, workers: 2 });
  assert.equal(status, 200);
  await until('two workers', async () => (await workerPids(daemon.mi)).length === 2);
});

test('a route script of the built program imports what the program itself runs', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-built-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'route.mjs');
  writeFileSync(
    file,
    "import { defineRoutes } from 'switchyard';\n" +
      "export const routes = defineRoutes({ request(r) { r.ds_select_dst('1', '4'); r.t_relay(); } });\n",
  );
  const [daemon, status] = await callThrough(t, '127.0.0.214', { route_script: file });
  assert.equal(status, 200, daemon.log());
});

test('the built library exports the daemon and the types that go with it', { skip }, async () => {
  const library = (await import(pathToFileURL(join(DIST, 'index.js')).href)) as Record<string, unknown>;
  for (const name of ['Daemon', 'loadSettings', 'checkConfiguration', 'createLogger', 'VERSION']) {
    assert.ok(name in library, name);
  }
});

test('a running daemon goes on working when its files are replaced: calls, settings, pages, workers', {
  skip: noWorkers,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-upgraded-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const root = resolve(DIST, '..');
  for (const name of ['dist', 'schemas', 'package.json'])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const gateway = await startGateway({ host: '127.0.0.215', name: 'upgraded' });
  t.after(() => gateway.kill());
  const daemon = await startDaemon({
    built: true,
    program: join(folder, 'dist', 'main.js'),
    destinations: [[1, gateway.uri]],
    settings: { routing, workers: 2, log: { level: 'debug' } },
  });
  t.after(() => daemon.stop());
  await until('what may be needed later is loaded', () => daemon.log().includes('modules needed later are loaded'));
  rmSync(join(folder, 'dist'), { recursive: true });
  rmSync(join(folder, 'schemas'), { recursive: true });
  for (const name of ['main.js', 'daemon/worker-process.js', 'index.js']) {
    mkdirSync(join(folder, 'dist', 'daemon'), { recursive: true });
    writeFileSync(join(folder, 'dist', name), "throw new Error('this is another version');");
  }
  const caller = await startCaller({ host: '127.0.0.216' });
  t.after(() => caller.stop());
  const calls = async (): Promise<void> => {
    for (let i = 0; i < 8; i++) {
      const { status } = await caller.placeCall({
        ruri: `sip:${i}@example.com`,
        proxy: `sip:127.0.0.1:${daemon.port}`,
      });
      assert.equal(status, 200, daemon.log());
    }
  };
  await calls();
  const workers = () => workerPids(daemon.mi);
  const before = await workers();
  process.kill(before[0] as number, 'SIGKILL');
  await until('the dead worker is replaced', async () => {
    const now = await workers();
    return now.length === 2 && !now.includes(before[0] as number);
  });
  await calls();
  assert.equal((await fetch(`${daemon.http}/`)).status, 200);
  assert.equal((await fetch(`${daemon.http}/console/app.js`)).status, 200);
  await daemon.mi('ds_reload');
  const config = join(daemon.folder, 'switchyard.json');
  const settings = JSON.parse(readFileSync(config, 'utf8')) as object;
  writeFileSync(config, JSON.stringify({ ...settings, routing: [{ ...routing[0], nonsense: 1 }] }));
  process.kill(daemon.pid, 'SIGHUP');
  await until('faulty settings are refused with what is wrong', () => /nonsense/.test(daemon.log()));
  writeFileSync(
    config,
    JSON.stringify({ ...settings, workers: 2, routing: [{ match: { $rU: '^7' }, reject: { code: 480 } }, ...routing] }),
  );
  process.kill(daemon.pid, 'SIGHUP');
  await until('sound ones are taken', () => daemon.log().includes('settings reloaded'));
  await calls();
  assert.doesNotMatch(daemon.log(), /another version|MODULE_NOT_FOUND|ENOENT/);
});
