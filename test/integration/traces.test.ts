import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { trace } from '../../src/cli/trace/trace.js';
import { TestAuthority } from '../support/certificates.js';
import { type DaemonFixture, startDaemon } from '../support/daemon-fixture.js';
import { type DecodedHep, decodeHep, splitHep } from '../support/hep-decoder.js';
import { type Caller, startCaller, startGateway } from '../support/sip-endpoints.js';
import { until } from '../support/until.js';

/** Messages of an answered call as seen by a proxy: seven in each direction, including the proxy's 100. */
const MESSAGES = ['INVITE', '100', 'INVITE', '180', '180', '200', '200', 'ACK', 'ACK', 'BYE', 'BYE', '200', '200'];

async function setUp(
  t: TestContext,
  settings: object = {},
): Promise<{ daemon: DaemonFixture; caller: Caller; placeCall: () => Promise<string> }> {
  const gateway = await startGateway({ host: '127.0.0.71', name: 'gw', answer: () => ({ status: 200, ringMs: 20 }) });
  const caller = await startCaller({ host: '127.0.0.72' });
  const daemon = await startDaemon(
    {
      modparam: { db_url: 'sqlite:./gateways.db' },
      routing: [{ match: { $rm: 'INVITE' }, select: { set: 1, alg: 0 }, record_route: true }],
      ...settings,
    },
    { default: [{ setid: 1, destination: gateway.uri }] },
  );
  t.after(async () => {
    gateway.kill();
    caller.stop();
    await daemon.stop();
  });
  const placeCall = async () => {
    const proxy = `sip:127.0.0.1:${daemon.sipPort}`;
    const result = await caller.placeCall({ ruri: 'sip:bob@example.com', proxy, holdMs: 20 });
    assert.equal(result.status, 200);
    return result.callId;
  };
  return { daemon, caller, placeCall };
}

/** Method or status of each message, in order. */
const kinds = (texts: readonly string[]) =>
  texts.map((text) => (text.startsWith('SIP/2.0 ') ? text.slice(8, 11) : text.slice(0, text.indexOf(' '))));

describe('traces', { timeout: 60_000 }, () => {
  test('a call is shown as a ladder, and as a capture file that tshark decodes', async (t) => {
    const { daemon, placeCall } = await setUp(t);
    const folder = mkdtempSync(join(tmpdir(), 'switchyard-trace-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const to = `udp:127.0.0.1:${daemon.miPort}`;
    const out: string[] = [];
    const io = { out: (text: string) => void out.push(text), err: () => {}, stdin: process.stdin };
    const stop = new AbortController();
    const pcap = join(folder, 'call.pcap');
    const shown = trace({ to, partition: 'default' }, io, stop.signal);
    const written = trace({ to, 'to-uri': 'bob', pcap }, io, stop.signal);
    await until('two traces', () => daemon.daemon.traces.tracer.list().length === 2);
    const callId = await placeCall();
    await until('all messages', () =>
      daemon.daemon.traces.tracer.list().every(({ messages }) => messages.length >= MESSAGES.length),
    );
    stop.abort();
    assert.deepEqual(await Promise.all([shown, written]), [0, 0]);
    const ladder = out.join('');
    assert.ok(ladder.startsWith(`Call-ID ${callId}\n`), ladder);
    assert.match(ladder, /\|-+INVITE sip:bob@exampl.*-?>\|/);
    assert.match(ladder, /<-+200 OK-+\|/);
    assert.equal(daemon.daemon.traces.tracer.list().length, 0, 'both are forgotten');

    const program = spawnSync(
      'tshark',
      [
        '-r',
        pcap,
        '-Y',
        'sip',
        '-T',
        'fields',
        '-e',
        'sip.Method',
        '-e',
        'sip.Status-Code',
        '-e',
        'udp.checksum.status',
        '-o',
        'udp.check_checksum:TRUE',
      ],
      { encoding: 'utf8' },
    );
    if (program.error !== undefined) return t.skip('tshark is not installed');
    const rows = program.stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t'));
    assert.deepEqual(rows.map(([method = '', code = '']) => method || code).sort(), [...MESSAGES].sort());
    assert.ok(
      rows.every(([, , status]) => status === '1'),
      'the checksums are good',
    );
  });

  test('a capture server gets every message as HEP3, over UDP', async (t) => {
    const server = createSocket('udp4');
    const packets: DecodedHep[] = [];
    server.on('message', (bytes) => packets.push(decodeHep(bytes)));
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const { daemon, placeCall } = await setUp(t, {
      hep: { to: `udp:127.0.0.1:${server.address().port}`, id: 7, password: 'p' },
    });
    const callId = await placeCall();
    await until('all packets', () => packets.length >= MESSAGES.length);
    assert.deepEqual(kinds(packets.map((each) => each.payload)).sort(), [...MESSAGES].sort());
    assert.ok(packets.every((each) => each.correlation === callId && each.captureId === 7 && each.key === 'p'));
    const us = (each: DecodedHep) =>
      [each.sourcePort, each.targetPort].filter((port) => port === daemon.sipPort).length;
    assert.ok(packets.every((each) => us(each) === 1 && Math.abs(each.time - Date.now()) < 20_000));
    const metrics = await (await fetch(`http://127.0.0.1:${daemon.httpPort}/metrics`)).text();
    assert.match(metrics, new RegExp(`switchyard_hep_sent_total ${MESSAGES.length}\n`));
  });

  for (const transport of ['tcp', 'tls'] as const) {
    test(`while a capture server is away calls go on and copies are dropped; over ${transport} it gets the later ones when it is back`, async (t) => {
      const authority = transport === 'tls' ? new TestAuthority() : undefined;
      t.after(() => authority?.remove());
      const files = authority?.issue('homer', ['IP:127.0.0.1']);
      const packets: DecodedHep[] = [];
      let rest = Buffer.alloc(0);
      const take = (socket: { on(name: 'data', received: (chunk: Buffer) => void): unknown }) => {
        socket.on('data', (chunk) => {
          const split = splitHep(Buffer.concat([rest, chunk]));
          packets.push(...split.packets.map(decodeHep));
          rest = Buffer.from(split.rest);
        });
      };
      const listen = (server: { listen(port: number, host: string, done: () => void): unknown }, port: number) =>
        new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      const probe = createServer();
      await listen(probe, 0);
      const { port } = probe.address() as AddressInfo;
      await new Promise((resolve) => probe.close(resolve));
      const { daemon, placeCall } = await setUp(t, {
        hep: { to: `${transport}:127.0.0.1:${port}`, ...(authority === undefined ? {} : { ca: authority.ca }) },
      });
      await placeCall();
      const server =
        files === undefined
          ? createServer(take)
          : createTlsServer({ cert: readFileSync(files.cert), key: readFileSync(files.key) }, take);
      await listen(server, port);
      t.after(() => server.close());
      await until('connected', () => daemon.logged(/connected to the capture server/).length === 1);
      await placeCall();
      await until('all packets', () => packets.length >= MESSAGES.length);
      assert.deepEqual(kinds(packets.map((each) => each.payload)).sort(), [...MESSAGES].sort());
    });
  }
});
