import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import { check } from '../../src/cli/check/check.js';
import { readSettings } from '../../src/config/load.js';
import { nullLogger } from '../../src/core/logger.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { type DaemonProcess, startDaemon } from '../support/daemon-process.js';
import { type Caller, type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';
import { until } from '../support/until.js';

const EXAMPLES = join(import.meta.dirname, '../../examples/scripts');
const folder = mkdtempSync(join(tmpdir(), 'switchyard-route-script-'));
const open: (Caller | Gateway)[] = [];
const daemons: DaemonProcess[] = [];

after(async () => {
  for (const endpoint of open) {
    if ('kill' in endpoint) endpoint.kill();
    else endpoint.stop();
  }
  for (const daemon of daemons) await daemon.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function gateway(host: string, answer: (method: string) => number): Promise<Gateway> {
  const started = await startGateway({ host, name: host, answer: (request) => answer(request.method) });
  open.push(started);
  return started;
}

async function caller(host: string): Promise<Caller> {
  const started = await startCaller({ host });
  open.push(started);
  return started;
}

async function daemon(options: Parameters<typeof startDaemon>[0]): Promise<DaemonProcess> {
  const started = await startDaemon(options);
  daemons.push(started);
  return started;
}

test('the sample script routes a call', async () => {
  const gw = await gateway('127.0.0.31', () => 200);
  const { port } = await daemon({
    destinations: [[2, gw.uri]],
    settings: { route_script: join(EXAMPLES, 'sample.ts') },
  });
  const uac = await caller('127.0.0.32');
  const result = await uac.placeCall({ ruri: 'sip:1@example.com', proxy: `sip:127.0.0.1:${port}` });
  assert.deepEqual([result.status, result.gateway], [200, gw.name]);
});

test('all routes of the example tenants run', async () => {
  const broken = await gateway('127.0.0.33', (method) => (method === 'INVITE' ? 503 : 200));
  const good = await gateway('127.0.0.34', () => 200);
  const { port, mi, log } = await daemon({
    destinations: [
      [1, broken.uri],
      [1, good.uri],
      [9, 'sip:127.0.0.35:5999'],
    ],
    settings: {
      route_script: join(EXAMPLES, 'tenants.ts'),
      modparam: {
        db_url: 'text:./db',
        algo_route: 'CHEAPEST',
        ds_define_blacklist: 'blocked= 9',
        ds_probing_threshhold: 2,
        ds_ping_interval: 1,
      },
    },
  });
  const proxy = `sip:127.0.0.1:${port}`;
  const uac = await caller('127.0.0.36');
  for (let i = 0; i < 2; i++) {
    const result = await uac.placeCall({ ruri: 'sip:1@example.com', proxy, headers: { 'x-internal': 'secret' } });
    assert.deepEqual([result.status, result.gateway, result.byeStatus], [200, good.name, 200]);
    assert.equal(result.routes.length, 1);
  }
  assert.equal(broken.count('INVITE'), 2);
  const invites = good.requests.filter((each) => each.method === 'INVITE');
  assert.deepEqual(
    invites.map((each) => [each.headers['x-destination'], each.headers['x-internal']]),
    [
      [good.uri, undefined],
      [good.uri, undefined],
    ],
  );
  assert.equal(good.count('BYE'), 2);
  // Two failures marked "p" reach the threshold: an event, a log line of the event route, probes of the local route.
  await until('the event route has spoken', () => log().includes(`destination ${broken.uri} of set 1 is inactive`));
  assert.match(log(), /destination failed with 503/);
  await until('a probe came', () => broken.requests.some((each) => each.headers['x-probe'] === 'switchyard'));
  const list = JSON.stringify(await mi('ds_list'));
  assert.ok(list.includes(good.uri));
});

test('SIGHUP loads the script again; a broken one changes nothing', async () => {
  const script = join(folder, 'reloaded.js');
  const answering = (code: number) =>
    `import { code } from './code.js';\nexport const routes = {\n  request(r) { r.send_reply(code, 'from ${code}'); },\n};\n`;
  writeFileSync(join(folder, 'code.js'), 'export const code = 480;\n');
  writeFileSync(script, answering(480));
  const { port, pid, log } = await daemon({
    destinations: [[1, 'sip:127.0.0.1:9']],
    settings: { route_script: script },
  });
  const uac = await caller('127.0.0.37');
  const ask = async () =>
    (await uac.sendRequest('OPTIONS', { ruri: 'sip:x@example.com', proxy: `sip:127.0.0.1:${port}` })).status;
  assert.equal(await ask(), 480);

  writeFileSync(join(folder, 'code.js'), 'export const code = 486;\n');
  process.kill(pid, 'SIGHUP');
  await until('the new script answers', async () => (await ask()) === 486);

  writeFileSync(script, 'export const routes = {\n  request(r) { r.send_reply(; },\n};\n');
  process.kill(pid, 'SIGHUP');
  await until('the broken script is refused', () => log().includes('reloaded.js:2: Unexpected token'));
  assert.equal(await ask(), 486);

  writeFileSync(script, 'export const routes = {\n  request() { throw new Error("at run time"); },\n};\n');
  process.kill(pid, 'SIGHUP');
  await until('the script that throws is in use', async () => (await ask()) === 500);
  assert.match(log(), /reloaded\.js:2: at run time/);
});

describe('a script that cannot be loaded', () => {
  const script = join(folder, 'broken.js');
  const config = join(folder, 'switchyard.json');

  const checked = async (source: string, modparam: object = {}) => {
    writeFileSync(script, source);
    writeFileSync(config, JSON.stringify({ listen: 'udp:127.0.0.1:5060', modparam, route_script: './broken.js' }));
    let text = '';
    const write = (more: string): void => {
      text += more;
    };
    const status = await check({ config }, { out: write, err: write, stdin: Readable.from([]) });
    return [status, text.replaceAll(folder, '')] as const;
  };

  test('is reported by check, with file and line', async () => {
    const [status, text] = await checked('export const routes = {\n  request: 1,\n};\n');
    assert.equal(status, 1);
    assert.match(text, /#\/route_script: route script \/broken\.js:2: request route is not a function/);
    const [, syntax] = await checked('\n\nexport const = 5;\n');
    assert.match(syntax, /broken\.js:3: Unexpected token/);
    const [fine] = await checked('export const routes = { request() {} };\n');
    assert.equal(fine, 0);
  });

  test('check also reports a script without the configured algo route', async () => {
    const [status, text] = await checked('export const routes = { request() {} };\n', { algo_route: 'SCORE' });
    assert.equal(status, 1);
    assert.match(text, /broken\.js: has no algo route "SCORE"/);
  });

  test('keeps the daemon from starting', async () => {
    writeFileSync(script, 'export const nothing = 1;\n');
    const { settings } = readSettings({ listen: 'udp:127.0.0.1:0', route_script: script }, { cwd: folder });
    await assert.rejects(new Daemon({ settings, log: nullLogger }).start(), /broken\.js:1: must export "routes"/);
  });
});
