import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectNats } from 'nats';
import { readSettings } from '../../src/config/load.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { TestAuthority } from '../support/certificates.js';
import { writeFifo } from '../support/mi-endpoints.js';
import { withoutNats } from '../support/nats-fixtures.js';
import { freePorts } from '../support/ports.js';
import { type RestartableNats, startRestartableNats } from '../support/restartable-nats.js';
import { INVITE, startScript } from '../support/script-run.js';
import { writingLogger } from '../support/written-lines.js';

/** The log, line by line as in a file. */
const lines: string[] = [];
const log = writingLogger((fields, message) => {
  lines.push(JSON.stringify({ ...fields, message }));
});

const ignore = (): void => {};
const LONG = 'x'.repeat(900);
/** More than twice the number of lines that may be written. */
const COUNT = 96;
/** Number of concurrent requests. */
const AT_ONCE = 32;
let folder = '';
let daemon: Daemon;
let nats: RestartableNats | undefined;
const authority = new TestAuthority();
let ports: number[];

before(async () => {
  folder = `${await mkdtemp(join(tmpdir(), 'sw-'))}/`;
  ports = await freePorts(7);
  const server = authority.issue('sip.example', ['DNS:sip.example']);
  if (!withoutNats) nats = await startRestartableNats();
  await writeFile(`${folder}acme.list`, '1 sip:10.0.0.1:5060\n');
  const [, tcp, tls, ws, mi, ctl, http] = ports;
  const { settings } = readSettings(
    {
      listen: [`udp:127.0.0.1:${ports[0]}`, `tcp:127.0.0.1:${tcp}`, `tls:127.0.0.1:${tls}`, `ws:127.0.0.1:${ws}`],
      tls: { certificate: server.cert, private_key: server.key, verify_server: false },
      partitions: [{ name: 'acme', flavour: 'kamailio', db_url: 'list:./acme.list' }],
      tm: { fr_timeout: 1, t1: 50, t2: 100, t4: 100 },
      routing: [],
      http: `127.0.0.1:${http}`,
      mi: {
        http: {},
        fifo: { fifo_name: 'mi', reply_dir: '.' },
        datagram: [{ socket_name: `udp:127.0.0.1:${mi}` }],
        ctl: [{ socket_name: `tcp:127.0.0.1:${ctl}` }],
        jsonrpc: { http_root: 'RPC', fifo_name: 'rpc', fifo_reply_dir: '.' },
        ...(nats === undefined ? {} : { nats: { subject: 'flood.mi' } }),
      },
      ...(nats === undefined ? {} : { events: { nats: { servers: [nats.url], prefix: 'flood', weights: true } } }),
    },
    { cwd: folder },
  );
  daemon = new Daemon({ settings, log, drainMs: 50 });
  await daemon.start();
});

after(async () => {
  await daemon.stop();
  await nats?.stop();
  authority.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Does something many times; the number of log lines and bytes written meanwhile is bounded. */
async function flood(send: (i: number) => unknown, max = 40, count = COUNT, atOnce = AT_ONCE): Promise<void> {
  lines.length = 0;
  for (let i = 0; i < count; i += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, (_, k) => send(i + k)));
  }
  // A line that comes later is counted with the next test.
  await sleep(100);
  const bytes = lines.join('').length;
  assert.ok(lines.length <= max && bytes < 30_000, `${lines.length} lines, ${bytes} bytes: ${lines.at(-1)}`);
}

/** Sends text over its own connection and waits until the other side closes it, or for a moment. */
function say(port: number | undefined, text: string | Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port ?? 0, '127.0.0.1', () => socket.end(text));
    socket.setTimeout(2000, () => socket.destroy());
    socket
      .on('error', ignore)
      .on('data', ignore)
      .on('close', () => resolve());
  });
}

function http(path: string, method: string, headers: Record<string, string>, body = ''): Promise<void> {
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port: ports[6], path, method, headers }, (answer) => {
      answer.resume().on('end', resolve);
    });
    sent.on('error', () => resolve());
    sent.end(body);
  });
}

const json = { 'content-type': 'application/json' };

test('garbage and half messages over SIP TCP do not flood the log', async () => {
  await flood((i) => say(ports[1], `${i}${LONG}\r\n\r\n${LONG}`));
  await flood((i) => say(ports[1], `INVITE sip:a${i} SIP/2.0\r\nVia: ${LONG}`));
});

test('failing TLS handshakes do not flood the log', async () => {
  await flood((i) =>
    say(ports[2], i % 2 === 0 ? `GET /${i} HTTP/1.1\r\n\r\n` : Buffer.from([22, 3, 1, 0, 5, 1, 0, 0, 1, i])),
  );
});

test('failing WebSocket handshakes do not flood the log', async () => {
  await flood((i) => {
    const protocol = i % 3 === 0 ? '' : 'Sec-WebSocket-Protocol: sip\r\n';
    const origin = i % 3 === 1 ? `Origin: http://${i}.example\r\n` : '';
    const key = i % 3 === 2 ? `${i}` : 'dGhlIHNhbXBsZSBub25jZQ==';
    const head = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
    return say(
      ports[3],
      `GET /${i} HTTP/1.1\r\nHost: h\r\n${head}Sec-WebSocket-Key: ${key}\r\n${protocol}${origin}\r\n`,
    );
  });
});

test('refused HTTP requests do not flood the log', async () => {
  await flood((i) => http(`/${i}${LONG}`, 'GET', {}));
  await flood((i) => http('/mi', 'POST', { ...json, host: `${i}.example` }, '{}'));
  await flood((i) => http('/mi', 'POST', { 'content-type': `text/${i}` }, '{}'));
  await flood((i) => say(ports[6], `${i} ${LONG}\r\n\r\n`));
});

test('malformed, unknown and failing management requests over HTTP do not flood the log', async () => {
  const call = (method: string, params: unknown) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  for (const path of ['/mi', '/RPC']) {
    await flood((i) => http(path, 'POST', json, `${i}${LONG}`));
    await flood((i) => http(path, 'POST', json, call(`unknown${i}`, [LONG])));
  }
  await flood((i) => http('/mi', 'POST', json, call('ds_set_state', ['a', `${i}`, `sip:${LONG}`])));
  await flood((i) => http('/RPC', 'POST', json, call('dispatcher.set_state', ['a', i, `sip:${LONG}`])));
});

test('malformed, unknown and failing management datagrams do not flood the log', async () => {
  const client = createSocket('udp4');
  const send = (text: string) =>
    new Promise<void>((resolve) => client.send(text, ports[4] ?? 0, '127.0.0.1', () => setTimeout(resolve, 1)));
  await flood((i) => send(`${i}${LONG}`));
  await flood((i) => send(`:no${i}${LONG}:\n`));
  await flood((i) => send(`:ds_set_state:\na\n${i}\nsip:${LONG}\n`));
  client.close();
});

test('invalid lines on the FIFOs do not flood the log', async () => {
  await flood(
    (i) => writeFifo(`${folder}mi`, `${i}${LONG}\n:${i}:${LONG}\n:ds_set_state:../../${i}\na\nb\n\n`),
    60,
    100,
    1,
  );
  await flood(
    (i) => writeFifo(`${folder}rpc`, `${i}${LONG}\n{"jsonrpc":"2.0","method":"x${i}","reply_name":"/${i}"}\n`),
    60,
    100,
    1,
  );
});

test('invalid BINRPC does not flood the log', async () => {
  await flood((i) => say(ports[5], `${i}${LONG}`));
  await flood((i) => say(ports[5], Buffer.concat([Buffer.from([0xa1, 0x08, 0, 0, 200, i]), Buffer.alloc(200, i)])));
});

test('malformed requests and weights over NATS do not flood the log', { skip: withoutNats }, async () => {
  assert.ok(nats);
  const client = await connectNats({ servers: nats.url });
  await flood(async (i) => {
    client.publish('flood.mi', `${i}${LONG}`, { reply: 'nobody' });
    client.publish(`flood.mi.acme.unknown${i}`, LONG);
    client.publish('flood.mi.acme.ds_set_state', `["a","${i}","sip:${LONG}"]`);
    client.publish(
      'flood.weight',
      i % 2 === 0 ? `${i}${LONG}` : `{"partition":"p${i}","set":1,"destination":"sip:a","weight":5}`,
    );
    if (i % 50 === 0) await client.flush();
  });
  await client.close();
});

test('a record of accounting in the log is bounded in length', async () => {
  for (const [dialect, head, script] of [
    ['opensips', '', 'acc_log_request("404 x"); exit;'],
    ['kamailio', 'modparam("acc", "log_flag", 1)', 'acc_log_request("404 x"); exit;'],
  ] as const) {
    const runner = startScript({ dialect, modules: 'acc', head, script, log, logged: true });
    lines.length = 0;
    const long = 'y'.repeat(20_000);
    runner.receive(INVITE.replace('a@a.example', long).replace('tag=ft', `tag=${long}`));
    const bytes = lines.join('').length;
    assert.ok(lines.length === 1 && bytes > 2000 && bytes < 6000, `${lines.length} lines, ${bytes} bytes`);
    await runner.stop();
  }
});

test('lines that a script writes of what a peer sent are bounded in length', async () => {
  const script = 'xlog("L_INFO", "$hdr(Subject)$hdr(Subject)\\n"); exit;';
  const runner = startScript({ dialect: 'opensips', script, log, logged: true });
  lines.length = 0;
  runner.receive(INVITE.replace('Content-Length', `Subject: ${LONG.repeat(30)}\r\nContent-Length`));
  const bytes = lines.join('').length;
  assert.ok(lines.length === 1 && bytes > 4096 && bytes < 5000, `${lines.length} lines, ${bytes} bytes`);
  await runner.stop();
});
