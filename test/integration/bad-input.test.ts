import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createReadStream, renameSync, writeFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { callMi } from '../../src/cli/mi/client.js';
import { type DaemonFixture, replaceRows, startDaemon } from '../support/daemon-fixture.js';
import { freePort } from '../support/ports.js';
import { type Caller, type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';
import { until } from '../support/until.js';

/** One daemon for all tests: the input of one test must not affect the next. */
let daemon: DaemonFixture;
let gateways: Gateway[];
let caller: Caller;
let deadDatabase: number;

before(async () => {
  gateways = [
    await startGateway({ host: '127.0.0.41', name: 'gw-1' }),
    await startGateway({ host: '127.0.0.42', name: 'gw-2' }),
  ];
  caller = await startCaller({ host: '127.0.0.43' });
  deadDatabase = await freePort();
  daemon = await startDaemon(
    {
      partitions: [
        { name: 'acme', db_url: 'sqlite:./acme.db' },
        { name: 'globex', db_url: `postgres://user:hidden@127.0.0.1:${deadDatabase}/none` },
      ],
      routing: ['acme', 'globex'].map((name) => ({
        match: { $rd: `${name}.example` },
        select: { partition: name, set: 1, alg: 4, flags: 'f' },
        record_route: true,
      })),
    },
    { acme: goodRows() },
  );
});

after(async () => {
  caller?.stop();
  for (const gateway of gateways ?? []) gateway.kill();
  await daemon?.stop();
});

const goodRows = () => gateways.map((gateway) => ({ setid: 1, destination: gateway.uri }));

/** Calls to the tenant whose database works; all must be answered and ended. */
async function callsWork(count = 4): Promise<void> {
  const proxy = `sip:127.0.0.1:${daemon.sipPort}`;
  const results = await Promise.all(
    Array.from({ length: count }, () => caller.placeCall({ ruri: 'sip:1@acme.example', proxy })),
  );
  for (const { status, byeStatus } of results) assert.deepEqual([status, byeStatus], [200, 200]);
}

const miTarget = () => `udp:127.0.0.1:${daemon.miPort}`;

/** Sends datagrams and returns the answer to the last one, '' when there was none. */
async function datagrams(port: number, packets: readonly (string | Buffer)[], answered = true): Promise<string> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const answers: string[] = [];
  socket.on('message', (data) => answers.push(data.toString('latin1')));
  for (const packet of packets) {
    await new Promise((resolve) => socket.send(packet, port, '127.0.0.1', resolve));
  }
  if (answered) await until('an answer', () => answers.length > 0);
  socket.close();
  return answers.at(-1) ?? '';
}

/** Writes to a TCP port and returns what was received until the other side closed or `complete` matched. */
function stream(port: number, bytes: string | Buffer, complete: (text: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(text);
    };
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`nothing came of ${JSON.stringify(String(bytes).slice(0, 60))}: ${JSON.stringify(text)}`));
    }, 10_000);
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      if (complete(text)) end();
    });
    socket.once('close', end);
    socket.once('error', end);
  });
}

const options = (transport: string) =>
  [
    `OPTIONS sip:127.0.0.1:${daemon.sipPort} SIP/2.0`,
    `Via: SIP/2.0/${transport} 127.0.0.1:9;rport;branch=z9hG4bK${Math.random().toString(16).slice(2)}`,
    'Max-Forwards: 0',
    'From: <sip:a@example.com>;tag=1',
    'To: <sip:b@example.com>',
    `Call-ID: ${Math.random()}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');

/** A reproducible sequence of arbitrary bytes. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

test('a partition whose database is down is named, and the other tenant is served', { timeout: 30_000 }, async () => {
  const health = await fetch(`http://127.0.0.1:${daemon.httpPort}/health`);
  const { status, partitions } = (await health.json()) as { status: string; partitions: Record<string, string> };
  assert.deepEqual([health.status, status], [200, 'degraded'], 'the others are served');
  assert.equal(partitions['acme'], 'ready');
  assert.match(partitions['globex'] ?? '', /ECONNREFUSED|connect/);
  assert.equal(daemon.logged(/partition globex could not be loaded/).length > 0, true);
  assert.deepEqual(daemon.logged(/hidden/), [], 'no password in the log');
  await callsWork();
  const proxy = `sip:127.0.0.1:${daemon.sipPort}`;
  const refused = await caller.placeCall({ ruri: 'sip:1@globex.example', proxy });
  assert.deepEqual([refused.status, refused.gateway], [503, '']);
  await assert.rejects(callMi(miTarget(), 'ds_reload', { partition: 'globex' }), /Reload failed: postgres:.*\*\*\*/);
  await callMi(miTarget(), 'ds_reload', { partition: 'acme' });
});

test('rows that cannot be used are named, and the others load', { timeout: 30_000 }, async () => {
  const bad = [
    { setid: 1, destination: 'not a uri' },
    { setid: 1, destination: 'sip:10.0.0.1:99999' },
    { setid: 1, destination: 'mailto:a@example.com' },
    { setid: 1, destination: '' },
  ];
  await replaceRows(daemon, 'acme', [bad[0], goodRows()[0], bad[1], bad[2], goodRows()[1], bad[3]] as object[]);
  const reload = await callMi(miTarget(), 'ds_reload', { partition: 'acme', report: '1' });
  const text = JSON.stringify(reload);
  assert.match(text, /"loaded":2/);
  for (const each of ['not a uri', '99999', 'mailto']) {
    assert.ok(text.includes(each), `${each} is in ${text}`);
    assert.ok(daemon.logged(new RegExp(`a row of partition acme was discarded.*${each}`)).length > 0, each);
  }
  await callsWork();
  await replaceRows(daemon, 'acme', goodRows());
  await callMi(miTarget(), 'ds_reload', { partition: 'acme' });
});

test('a torn write to the FIFO loses only its own command', { timeout: 30_000 }, async () => {
  const ask = async (name: string, ...writes: readonly string[]): Promise<string> => {
    const path = join(daemon.folder, name);
    execFileSync('mkfifo', [path]);
    const answer = createReadStream(path, 'latin1');
    for (const each of writes) await appendFile(daemon.fifo, each);
    const chunks: string[] = [];
    for await (const chunk of answer) chunks.push(chunk as string);
    return chunks.join('');
  };
  assert.match(await ask('r1', ':ds_li', ':ds_list:r1\n\n'), /^200 OK\nPARTITION:: /);
  assert.match(await ask('r2', ':r2:{"jsonrpc":"2.0","id":7,"meth', 'od":"version"}\n'), /"id":7/);
  assert.match(
    await ask('r3', ':rx:{"jsonrpc":"2.0",\n', ':r3:{"jsonrpc":"2.0","id":8,"method":"version"}\n'),
    /"id":8/,
  );
  assert.match(
    await ask('r4', 'nonsense\n', `${noise(200, 1).toString('latin1').replace(/:/g, '')}\n`, ':ds_list:r4\n\n'),
    /^200 OK/,
  );
  assert.equal(daemon.logged(/a command is followed by another/).length, 2);
  await callsWork();
});

test('garbage on the SIP sockets is dropped, and what comes after it is served', { timeout: 60_000 }, async () => {
  const torn = options('UDP').slice(0, 120);
  const packets = [
    ...Array.from({ length: 50 }, (_, i) => noise(1 + i * 29, i)),
    '',
    '\r\n\r\n',
    torn,
    'INVITE\r\n\r\n',
    'INVITE sip:1@acme.example SIP/2.0\r\n\r\n',
    `INVITE sip:1@acme.example SIP/2.0\r\n${'X: y\r\n'.repeat(8000)}\r\n`,
    options('UDP').replace('Content-Length: 0', 'Content-Length: 999999999'),
    options('UDP').replace('CSeq: 1 OPTIONS', 'CSeq: 99999999999999999999 OPTIONS'),
    options('UDP').replace(/Via: .*\r\n/, `Via: ${'SIP/2.0/UDP a,'.repeat(3000)}\r\n`),
    'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bKx\r\n\r\n',
    'SIP/2.0 99999 ???\r\n\r\n',
    options('UDP'),
  ];
  assert.match(await datagrams(daemon.sipPort, packets), /^SIP\/2\.0 \d{3} /);
  const whole = (text: string) => /\r\n\r\n/.test(text);
  const first = stream(daemon.sipPort, noise(80_000, 99), () => false);
  const second = stream(
    daemon.sipPort,
    options('TCP').replace('Content-Length: 0', 'Content-Length: 9999999999'),
    () => false,
  );
  // Other connections are not blocked by these two.
  assert.match(await stream(daemon.sipPort, options('TCP'), whole), /^SIP\/2\.0 \d{3} /);
  assert.match(
    `${await first}${await second}`,
    /^(SIP\/2\.0 4\d\d [\s\S]*)?$/,
    'both are closed, at most with a refusal',
  );
  await callsWork();
  assert.equal(daemon.logged(/nobody caught|nobody handled/).length, 0);
});

test('garbage at the management endpoints is refused, and the next request answered', { timeout: 30_000 }, async () => {
  const bad = ['garbage', '{"jsonrpc":', '\n', ':', ':ds_list', '{"jsonrpc":"2.0","id":1,"method":7}', noise(400, 3)];
  for (const each of bad) assert.notEqual(await datagrams(daemon.miPort, [each]), '', String(each));
  const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
  assert.match(await datagrams(daemon.miPort, [deep]), /error|400/);
  assert.deepEqual(Object.keys((await callMi(miTarget(), 'version', undefined)) as object), ['Server']);

  const http = `http://127.0.0.1:${daemon.httpPort}`;
  const post = (body: string) =>
    fetch(`${http}/mi`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  assert.match(await (await post('garbage')).text(), /Parse|error/i);
  assert.equal((await post('x'.repeat(3_000_000)).catch(() => ({ ok: false }))).ok, false);
  assert.match(await stream(daemon.httpPort, noise(300, 5), () => false), /^HTTP\/1\.1 400 |^$/);
  assert.match(
    await stream(daemon.httpPort, `GET /${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`, () => false),
    /^HTTP\/1\.1 4/,
  );
  assert.equal((await fetch(`${http}/metrics`)).status, 200);
  await callsWork();
});

test('reloads while calls run lose none, also one that fails', { timeout: 60_000 }, async () => {
  const calls = callsWork(120);
  for (let i = 0; i < 10; i++) {
    const rows = i % 2 === 0 ? goodRows() : goodRows().reverse();
    await replaceRows(daemon, 'acme', rows);
    await callMi(miTarget(), 'ds_reload', { partition: 'acme' });
  }
  const table = join(daemon.folder, 'acme.db');
  for (const end of ['', '-wal', '-shm']) {
    try {
      renameSync(`${table}${end}`, `${table}.aside${end}`);
    } catch {
      // The file may be missing.
    }
  }
  writeFileSync(table, 'this is no database, but somebody’s notes');
  await assert.rejects(callMi(miTarget(), 'ds_reload', { partition: 'acme' }), /Reload failed/);
  assert.ok(daemon.logged(/partition acme could not be loaded; 2 destinations stay/).length > 0);
  await calls;
  await callsWork(20);
});
