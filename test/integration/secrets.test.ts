import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashPassword, hashToken } from '../../src/access/secret.js';
import { freePort } from '../support/ports.js';
import { SWITCHYARD } from '../support/program.js';
import { requestText } from '../support/sip-recorder.js';
import { until } from '../support/until.js';

test('no secret shows in logs, lists, metrics, health, audit, events, explanations, records, traces, HEP or the console', {
  timeout: 60_000,
}, async (t) => {
  const folder = `${await mkdtemp(join(tmpdir(), 'sw-'))}/`;
  t.after(() => rm(folder, { recursive: true, force: true }));
  const http = await freePort();
  const dead = await freePort();
  const sip = await freePort();
  // Receivers of published data: datagrams of events and HEP, and the gateway of the calls.
  const datagrams: string[] = [];
  const listener = async (): Promise<number> => {
    const socket = createSocket('udp4');
    socket.on('message', (bytes) => datagrams.push(bytes.toString('latin1')));
    await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
    t.after(() => socket.close());
    return socket.address().port;
  };
  const [events, hep, gateway] = [await listener(), await listener(), await listener()];
  // Every secret contains this word.
  const secret = (what: string) => `marker-${what}`;
  const token = secret('token');
  await writeFile(`${folder}gw.list`, `1 sip:gw:${secret('uri')}@127.0.0.1:${gateway}\n1 sip:bad:${secret('row')}@\n`);
  const settings = {
    listen: [`udp:127.0.0.1:${sip}`],
    hep: { to: `udp:127.0.0.1:${hep}`, id: 1, one_in: 1 },
    routing: [{ select: { partition: 'gw', set: 1, alg: 8 }, failover: { codes: ['5xx'] } }],
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
  const child = spawn(process.execPath, [...SWITCHYARD, 'serve'], { cwd: folder });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const ended = new Promise((done) => child.once('exit', done));
  t.after(() => child.kill('SIGKILL'));
  const base = `http://127.0.0.1:${http}`;
  const get = async (path: string, authorization = `Bearer ${token}`) => {
    const response = await fetch(base + path, { headers: { authorization } });
    return response.text();
  };
  await until('the daemon answers', async () => (await fetch(`${base}/livez`)).ok);
  const call = async (path: string, method: string, params: unknown, authorization = `Bearer ${token}`) => {
    const headers = { 'content-type': 'application/json', authorization };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    return (await fetch(base + path, { method: 'POST', headers, body })).text();
  };
  /** The first part of the console page's event stream. */
  const stream = async () => {
    const response = await fetch(`${base}/console/stream`, { headers: { authorization: `Bearer ${token}` } });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const { value } = await reader.read();
    await reader.cancel();
    return Buffer.from(value ?? []).toString();
  };
  const basic = `Basic ${Buffer.from(`noc:${secret('password')}`).toString('base64')}`;
  const uri = `sip:gw:${secret('uri')}@127.0.0.1:${gateway}`;
  const invite = requestText({ callId: 'secret', uri: 'sip:bob@example.com' });
  const listening = `udp:127.0.0.1:${events}`;
  await call('/mi', 'event_subscribe', { event: 'E_DISPATCHER_STATUS', socket: listening, expire: 60 });
  const traced = await call('/mi', 'trace_start', { call_id: 'secret' });
  const caller = createSocket('udp4');
  t.after(() => caller.close());
  caller.send(invite, sip, '127.0.0.1');
  await until('the call at the gateway', () => datagrams.some((each) => each.startsWith('INVITE ')));
  const id = (JSON.parse(traced) as { result?: { id?: number } }).result?.id;
  const texts = [
    traced,
    await call('/mi', 'trace_get', { id: id ?? 1 }),
    await call('/mi', 'explain', { request: invite }),
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
    await get('/console/health'),
    await get('/console/audit'),
    await get(`/console/destination?partition=gw&set=1&uri=${encodeURIComponent(uri)}`),
    await stream(),
  ];
  await until('the event', () => datagrams.some((each) => each.includes('E_DISPATCHER_STATUS')));
  await until('HEP', () => datagrams.some((each) => each.startsWith('HEP3')));
  child.kill('SIGTERM');
  await ended;
  // The gateway itself is probed with its URI.
  texts.push(said.join(''), ...datagrams.filter((each) => !/^[A-Z]+ sip/.test(each)));
  assert.match(texts[1] ?? '', /INVITE sip:bob/, 'the trace has the call');
  assert.match(texts[2] ?? '', /candidates|"rules"/, 'the explanation is there');
  assert.match(said.join(''), /"audit":true/);
  for (const [i, text] of texts.entries()) {
    const at = text.indexOf('marker-');
    assert.equal(at, -1, `text ${i}: ${text.slice(Math.max(0, at - 200), at + 60)}`);
  }
});
