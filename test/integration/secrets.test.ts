import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { hashPassword, hashToken } from '../../src/access/secret.js';
import { freePort } from '../support/ports.js';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');

test('no secret shows in logs, lists, metrics, health or the audit', { timeout: 60_000 }, async (t) => {
  const folder = `${await mkdtemp(join(tmpdir(), 'sw-'))}/`;
  t.after(() => rm(folder, { recursive: true, force: true }));
  const http = await freePort();
  const dead = await freePort();
  // Every secret there is holds this word.
  const secret = (what: string) => `marker-${what}`;
  const token = secret('token');
  await writeFile(`${folder}gw.list`, `1 sip:gw:${secret('uri')}@127.0.0.1:9\n1 sip:bad:${secret('row')}@\n`);
  const settings = {
    listen: ['udp:127.0.0.1:0'],
    http: `127.0.0.1:${http}`,
    modparam: { ds_ping_interval: 1, ds_probing_mode: 1 },
    partitions: [
      { name: 'gw', flavour: 'kamailio', db_url: `list:./gw.list` },
      { name: 'far', db_url: `postgres://u:${secret('database')}@127.0.0.1:${dead}/d` },
    ],
    events: { nats: { servers: `nats://u:${secret('nats')}@127.0.0.1:${dead}` } },
    mi: { http: {}, jsonrpc: { http_root: 'RPC' } },
    access: {
      users: [
        { name: 'noc', password: await hashPassword(secret('password')), role: 'admin', partitions: '*' },
        { name: 'ci', token: hashToken(token), role: 'admin', partitions: '*' },
      ],
    },
    log: { level: 'debug' },
  };
  await writeFile(`${folder}switchyard.json`, JSON.stringify(settings));
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), MAIN, 'serve'], { cwd: folder });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const ended = new Promise((done) => child.once('exit', done));
  t.after(() => child.kill('SIGKILL'));
  const base = `http://127.0.0.1:${http}`;
  const get = async (path: string, authorization = `Bearer ${token}`) => {
    const response = await fetch(base + path, { headers: { authorization } });
    return response.text();
  };
  for (let i = 0; i < 200; i++) {
    if (
      await fetch(`${base}/livez`).then(
        (response) => response.ok,
        () => false,
      )
    )
      break;
    await new Promise((done) => setTimeout(done, 100));
  }
  const call = async (path: string, method: string, params: unknown, authorization = `Bearer ${token}`) => {
    const headers = { 'content-type': 'application/json', authorization };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    return (await fetch(base + path, { method: 'POST', headers, body })).text();
  };
  const basic = `Basic ${Buffer.from(`noc:${secret('password')}`).toString('base64')}`;
  const uri = `sip:gw:${secret('uri')}@127.0.0.1:9`;
  const texts = [
    await call('/mi', 'ds_list', { full: 2 }, basic),
    await call('/mi', 'ds_list', {}, `Bearer ${secret('wrong')}`),
    await call('/mi', 'ds_set_state', ['i', 'gw:1', uri]),
    await call('/mi', 'ds_set_state', ['i', 'gw:1', `sip:nobody:${secret('address')}@h`]),
    await call('/mi', 'ds_add', { partition: 'gw', set: 2, uri: `sip:x:${secret('added')}@127.0.0.1:9` }),
    await call('/mi', 'ds_reload', { partition: 'gw', report: 1 }),
    await call('/mi', 'ds_reload', { partition: 'far' }),
    await call('/mi', 'sr_list_reports', {}),
    await call('/mi', 'sr_list_status', {}),
    await call('/mi', 'audit_list', {}),
    await call('/mi', 'calls_list', {}),
    await call('/mi', 'arg', {}),
    await call('/RPC', 'dispatcher.list', ['full', 'gw']),
    await get('/health'),
    await get('/metrics'),
    await get('/api/audit'),
  ];
  child.kill('SIGTERM');
  await ended;
  texts.push(said.join(''));
  assert.match(said.join(''), /"audit":true/);
  for (const [i, text] of texts.entries()) {
    const at = text.indexOf('marker-');
    assert.equal(at, -1, `text ${i}: ${text.slice(Math.max(0, at - 200), at + 60)}`);
  }
});
