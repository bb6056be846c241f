import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { DgramSocket } from 'node-unix-socket';
import { TestAuthority } from '../support/certificates.js';
import { Child, isBound } from '../support/child-process.js';
import { startDaemonHere } from '../support/daemon-in-process.js';
import { startDaemon, writeTable } from '../support/daemon-process.js';
import { DatagramPeer } from '../support/datagram-peer.js';
import { freePort } from '../support/ports.js';
import { SWITCHYARD } from '../support/program.js';
import { findProgram } from '../support/servers/programs.js';
import { parsed, replyTo, requestText } from '../support/sip-recorder.js';
import { dialogHeaders } from '../support/stream-endpoints.js';
import { until } from '../support/until.js';

const RULE = { match: {}, select: { set: 1, alg: 8, flags: 'f' }, relay: 'stateful', record_route: true };

async function peerAt(t: TestContext): Promise<DatagramPeer> {
  const peer = await DatagramPeer.open();
  t.after(() => peer.close());
  return peer;
}

/** A gateway that rings; `answer` sends 200 to the ringing calls. */
async function ringing(t: TestContext) {
  const gateway = await peerAt(t);
  let answer = () => {};
  gateway.onMessage = (text, { address, port }) => {
    if (text.startsWith('CANCEL')) void gateway.send(replyTo(text, 200), port, address);
    if (!text.startsWith('INVITE')) return;
    void gateway.send(replyTo(text, 180, 'gw'), port, address);
    const headers = dialogHeaders(parsed(text), `sip:127.0.0.1:${gateway.port}`);
    answer = () => void gateway.send(replyTo(text, 200, 'gw', headers), port, address);
  };
  return { gateway, uri: `sip:127.0.0.1:${gateway.port}`, answer: () => answer() };
}

const call = (id: string, more: Parameters<typeof requestText>[0] = {}) =>
  requestText({ callId: id, via: `SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK${id}`, ...more });

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-life-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** `switchyard serve` with these settings. */
function serve(
  t: TestContext,
  folder: string,
  settings: object,
  more: { env?: NodeJS.ProcessEnv; before?: string[] } = {},
) {
  const file = join(folder, 'switchyard.json');
  writeFileSync(file, JSON.stringify({ modparam: { db_url: 'text:./db' }, ...settings }));
  const [command, ...args] = [...(more.before ?? []), process.execPath, ...SWITCHYARD];
  const child = new Child(command as string, [...args, 'serve', '--config', file], {
    cwd: folder,
    env: { ...process.env, ...more.env },
  });
  t.after(() => child.stop('SIGKILL'));
  return child;
}

describe('the end of the daemon', () => {
  test('SIGTERM: ringing calls get their answer, new calls 503, states are written, events delivered', async (t) => {
    const { gateway, uri, answer } = await ringing(t);
    const subscriber = await peerAt(t);
    const caller = await peerAt(t);
    const other = 'sip:127.0.0.1:9';
    const daemon = await startDaemon({
      destinations: [
        [1, uri],
        [2, other],
      ],
      settings: { routing: [RULE], log: { level: 'info' } },
    });
    t.after(() => daemon.stop());
    await daemon.mi('event_subscribe', {
      event: 'E_DISPATCHER_STATUS',
      socket: `udp:127.0.0.1:${subscriber.port}`,
      expire: 100,
    });
    await caller.send(call('rings'), daemon.port, '127.0.0.1');
    await caller.expect(/^SIP\/2\.0 180 /);
    await daemon.mi('ds_set_state', { state: 'i', group: 2, address: other });
    process.kill(daemon.pid, 'SIGTERM');
    await until('the signal noticed', () => daemon.log().includes('"stopping"'));
    await caller.send(call('late'), daemon.port, '127.0.0.1');
    await caller.expect(/^SIP\/2\.0 503 [\s\S]*Call-ID: late/);
    const refused = caller.received.find(({ text }) => /^SIP\/2\.0 503 /.test(text))?.text ?? '';
    assert.match(refused, /^Retry-After: \d+\r$/m);
    answer();
    const { text } = await caller.expect(/^SIP\/2\.0 200 [\s\S]*Call-ID: rings/);
    const route = /^Record-Route: (.*)\r$/m.exec(text)?.[1];
    const ack = call('rings', { method: 'ACK', uri, toTag: 'gw', headers: `Route: ${route}\r\n` });
    await caller.send(ack.replace('z9hG4bKrings', 'z9hG4bKack'), daemon.port, '127.0.0.1');
    await gateway.expect(/^ACK [\s\S]*Call-ID: rings/);
    const event = await subscriber.expect(/E_DISPATCHER_STATUS/);
    assert.match(event.text, /"status":\s*"inactive"/);
    await until('the end of the process', () => {
      try {
        process.kill(daemon.pid, 0);
        return false;
      } catch {
        return true;
      }
    });
    const rows = readFileSync(join(daemon.folder, 'db', 'dispatcher'), 'latin1').split('\n');
    assert.match(rows.find((row) => row.includes('127.0.0.1\\:9:')) ?? '', /^2:2:sip\\:127\.0\.0\.1\\:9::1:/);
    assert.equal(await daemon.stop(), 0);
  });

  test('a call that still rings at the end of the waiting time is answered 503, and its destination stops ringing', async (t) => {
    const { gateway, uri } = await ringing(t);
    const caller = await peerAt(t);
    const running = await startDaemonHere([[1, uri]], { routing: [RULE] });
    t.after(() => running.stop());
    await caller.send(call('on'), running.port, '127.0.0.1');
    await caller.expect(/^SIP\/2\.0 180 /);
    await running.daemon.stop();
    assert.match((await caller.expect(/^SIP\/2\.0 503 /)).text, /^Retry-After: /m);
    await gateway.expect(/^CANCEL /);
    assert.deepEqual(running.errors, []);
  });

  test('a second signal does not wait', async (t) => {
    const { uri } = await ringing(t);
    const caller = await peerAt(t);
    const folder = folderFor(t);
    await writeTable(join(folder, 'db'), [[1, uri]]);
    const port = await freePort();
    const child = serve(t, folder, { listen: `udp:127.0.0.1:${port}`, routing: [RULE] });
    await child.until(() => isBound(port, 'udp'), 60_000, 'switchyard');
    await caller.send(call('rings'), port, '127.0.0.1');
    await caller.expect(/^SIP\/2\.0 180 /);
    child.process.kill('SIGTERM');
    await child.until(() => child.stderr.includes('"stopping"'), 10_000, 'the first signal');
    const second = performance.now();
    child.process.kill('SIGTERM');
    assert.equal(await child.exited, null);
    assert.ok(performance.now() - second < 2000);
  });
});

describe('the service manager (sd_notify)', () => {
  test('is notified of the start, each sign of life, a reload and the end', async (t) => {
    const folder = folderFor(t);
    await writeTable(join(folder, 'db'), []);
    const path = join(folder, 'notify');
    const received: string[] = [];
    const manager = new DgramSocket();
    manager.on('data', (data: Buffer) => received.push(data.toString()));
    manager.bind(path);
    t.after(() => manager.close());
    const port = await freePort();
    const child = serve(
      t,
      folder,
      { listen: `udp:127.0.0.1:${port}` },
      { env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '100000' } },
    );
    await until('READY', () => received.length > 0, { milliseconds: 30_000 });
    assert.match(received[0] ?? '', new RegExp(`^READY=1\nSTATUS=serving\nMAINPID=${child.pid}$`));
    assert.ok(await isBound(port, 'udp'));
    await until('signs of life', () => received.filter((each) => each === 'WATCHDOG=1').length >= 3);
    child.process.kill('SIGHUP');
    await until('READY again', () => received.filter((each) => each.startsWith('READY=1')).length === 2);
    const reloading = received.findIndex((each) => /^RELOADING=1\nMONOTONIC_USEC=\d+$/.test(each));
    assert.ok(reloading > 0 && reloading < received.findLastIndex((each) => each.startsWith('READY=1')));
    writeFileSync(join(folder, 'switchyard.json'), '{ "listen": 5 }');
    child.process.kill('SIGHUP');
    await until('the refusal', () => received.some((each) => each.includes('the new ones were refused')));
    child.process.kill('SIGTERM');
    assert.equal(await child.exited, 0);
    await until('STOPPING', () => received.includes('STOPPING=1'));
  });

  test('a missing notification socket is a warning', async (t) => {
    const folder = folderFor(t);
    await writeTable(join(folder, 'db'), []);
    const port = await freePort();
    const env = { NOTIFY_SOCKET: join(folder, 'nobody') };
    const child = serve(t, folder, { listen: `udp:127.0.0.1:${port}` }, { env });
    await child.until(() => child.stderr.includes('cannot be notified'), 60_000, 'the warning');
    child.process.kill('SIGTERM');
    assert.equal(await child.exited, 0);
  });
});

describe('what keeps the daemon from starting is one clear line and exit status 1', () => {
  async function refusal(t: TestContext, settings: object, before: string[] = []): Promise<string> {
    const folder = folderFor(t);
    await writeTable(join(folder, 'db'), []);
    const child = serve(t, folder, { log: { level: 'warn' }, ...settings }, { before });
    assert.equal(await child.exited, 1, child.said());
    assert.equal(child.stdout, '');
    return child.stderr;
  }

  test('an address in use is reported in one line at the start', async (t) => {
    const udp = createSocket('udp4');
    await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
    t.after(() => udp.close());
    const tcp = createServer();
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    t.after(() => tcp.close());
    const ports = { udp: udp.address().port, tcp: (tcp.address() as { port: number }).port };
    const lines = await Promise.all(
      (['udp', 'tcp', 'ws'] as const).map((transport) => {
        const port = ports[transport === 'udp' ? 'udp' : 'tcp'];
        return refusal(t, { listen: ['udp:127.0.0.1:0', `${transport}:127.0.0.1:${port}`] });
      }),
    );
    assert.deepEqual(
      lines,
      [`udp:127.0.0.1:${ports.udp}`, `tcp:127.0.0.1:${ports.tcp}`, `ws:127.0.0.1:${ports.tcp}`].map(
        (socket) => `switchyard serve: cannot bind ${socket}: the address is in use by another process (EADDRINUSE)\n`,
      ),
    );
  });

  test('an address of another machine, or an interface that does not exist', async (t) => {
    const lines = await Promise.all([
      refusal(t, { listen: 'udp:192.0.2.77:5060' }),
      refusal(t, { listen: 'udp:nosuch0:5060' }),
    ]);
    assert.deepEqual(lines, [
      'switchyard serve: cannot bind udp:192.0.2.77:5060: this machine has no such address (EADDRNOTAVAIL)\n',
      'switchyard serve: cannot listen on udp:nosuch0:5060: "nosuch0" is neither an address nor an interface\n',
    ]);
  });

  test('a privileged port is reported in one line at the start', async (t) => {
    const first = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
    if (first <= 81) return t.skip('every port is free to bind here');
    const asRoot = process.getuid?.() === 0;
    const line = await refusal(
      t,
      { listen: 'tcp:127.0.0.1:81' },
      asRoot ? ['setpriv', '--bounding-set', '-net_bind_service', '--'] : [],
    );
    assert.match(
      line,
      /^switchyard serve: cannot bind tcp:127\.0\.0\.1:81: ports below 1024 need root .*\(EACCES\)\n$/,
    );
  });

  test('an unusable certificate is reported in one line at the start', {
    skip: findProgram('openssl') === undefined,
  }, async (t) => {
    const authority = new TestAuthority();
    t.after(() => authority.remove());
    const [a, b] = [authority.issue('a', []), authority.issue('b', [])];
    const no = join(authority.folder, 'no.pem');
    const text = join(authority.folder, 'text.pem');
    writeFileSync(text, 'hello');
    const broken = join(authority.folder, 'broken.pem');
    writeFileSync(broken, readFileSync(a.cert, 'utf8').slice(0, 200));
    const listen = 'tls:127.0.0.1:0';
    const tls = { certificate: a.cert, private_key: a.key };
    const context = { server_name: 'x.example', certificate: a.cert, private_key: no };
    const line = await refusal(t, { listen, tls: { ...tls, certificate: no } });
    assert.match(line, /^switchyard serve: certificate: cannot read \/.*no\.pem: no such file\n$/);
    for (const [settings, expected] of [
      [
        { listen, tls: { ...tls, private_key: b.key } },
        `certificate ${a.cert} and private key ${b.key} cannot be used: `,
      ],
      [{ listen: 'wss:127.0.0.1:0', tls: { ...tls, certificate: text } }, `certificate: ${text} is not a PEM file`],
      [
        { listen, tls: { ...tls, certificate: broken } },
        `certificate ${broken} and private key ${a.key} cannot be used: `,
      ],
      [{ listen, tls: { ...tls, ca: no } }, `certificate authorities: cannot read ${no}: no such file`],
      [{ listen, tls: { ...tls, contexts: [context] } }, `private key: cannot read ${no}: no such file`],
      [{ listen }, 'tls'],
      [{ listen: 'wss:127.0.0.1:0' }, 'tls'],
    ] as const) {
      await assert.rejects(startDaemonHere([], settings), (error: Error) => {
        assert.ok(error.message.includes(expected), error.message);
        if (expected !== 'tls') assert.ok(!error.message.includes('\n'));
        return true;
      });
    }
  });
});
