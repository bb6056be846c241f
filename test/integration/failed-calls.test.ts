import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { createServer } from 'node:tls';
import { calls } from '../../src/cli/calls/calls.js';
import { explain } from '../../src/cli/explain/explain.js';
import { TestAuthority } from '../support/certificates.js';
import { type DaemonFixture, startDaemon } from '../support/daemon-fixture.js';
import { freePort } from '../support/ports.js';
import { type Caller, type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';
import { until } from '../support/until.js';

const rule = (user: string, set: number, more: object = {}) => ({
  match: { $rU: user },
  select: { set, alg: 0, flags: 'f' },
  failover: { codes: ['408', '503'] },
  ...more,
});

/** Ten kinds of calls that fail, each diagnosed from `switchyard calls` and `switchyard explain` alone. */
describe('a failed call is logged with its cause', { timeout: 60_000 }, () => {
  let daemon: DaemonFixture;
  let caller: Caller;
  let sip = 0;
  const gateways: Gateway[] = [];
  const closers: (() => void)[] = [];

  before(async () => {
    const gateway = async (host: string, answer: Parameters<typeof startGateway>[0]['answer']) => {
      const made = await startGateway({ host, name: 'gw', ...(answer === undefined ? {} : { answer }) });
      gateways.push(made);
      return made.uri;
    };
    const silent = await gateway('127.0.0.81', () => 'silent');
    const busy = await gateway('127.0.0.82', () => 503);
    const ringing = await gateway('127.0.0.83', () => ({ status: 200, ringMs: 5000 }));
    const barred = await gateway('127.0.0.84', () => 200);
    const refusing = `sip:127.0.0.1:${await freePort()};transport=tcp`;
    const authority = new TestAuthority();
    closers.push(() => authority.remove());
    const ours = authority.issue('proxy', ['IP:127.0.0.1']);
    const theirs = authority.issue('other', ['DNS:other.example']);
    const server = createServer({ cert: readFileSync(theirs.cert), key: readFileSync(theirs.key) });
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => server.close());
    const wrongName = `sip:127.0.0.1:${(server.address() as AddressInfo).port};transport=tls`;
    caller = await startCaller({ host: '127.0.0.85' });
    sip = await freePort();
    const itself = `sip:127.0.0.1:${sip}`;
    daemon = await startDaemon(
      {
        listen: [`udp:127.0.0.1:${sip}`, `tcp:127.0.0.1:${sip}`, `tls:127.0.0.1:${await freePort()}`],
        tls: { certificate: ours.cert, private_key: ours.key, ca: authority.ca, verify_server: true },
        tm: { fr_timeout: 1 },
        partitions: [{ name: 'acme', db_url: 'sqlite:./acme.db', ds_define_blacklist: 'closed= 8' }],
        default: 'acme',
        routing: [
          rule('timeout', 1),
          rule('busy', 2),
          rule('refused', 3),
          rule('none', 4),
          rule('cancel', 5),
          rule('loop', 6),
          rule('name', 7),
          rule('barred', 8, { use_blacklist: 'closed' }),
        ],
      },
      {
        acme: [
          { setid: 1, destination: silent },
          { setid: 2, destination: busy },
          { setid: 3, destination: refusing },
          { setid: 4, destination: 'sip:127.0.0.1:9', state: 1 },
          { setid: 5, destination: ringing },
          { setid: 6, destination: itself },
          { setid: 7, destination: wrongName },
          { setid: 8, destination: barred },
        ],
      },
    );
    closers.push(() => caller.stop());
  });

  after(async () => {
    for (const each of gateways) each.kill();
    for (const close of closers) close();
    await daemon?.stop();
  });

  const proxy = () => `sip:127.0.0.1:${sip}`;

  async function diagnosed(user: string, callId: string): Promise<{ record: string; why: string }> {
    const to = `udp:127.0.0.1:${daemon.miPort}`;
    const output = () => {
      const lines: string[] = [];
      return { lines, io: { out: (text: string) => void lines.push(text), err: () => {}, stdin: Readable.from([]) } };
    };
    const record = output();
    await until('listed', async () => {
      record.lines.length = 0;
      await calls({ to, 'call-id': callId }, record.io);
      return record.lines.length > 0;
    });
    const why = output();
    const request =
      `INVITE sip:${user}@example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.85;branch=z9hG4bK1\nFrom: <sip:a@b>;tag=1\n` +
      `To: <sip:${user}@example.com>\nCall-ID: ${callId}\nCSeq: 1 INVITE\nMax-Forwards: ${user === 'hops' ? 0 : 70}\n\n`;
    await explain({ to, source: '127.0.0.85' }, '-', { ...why.io, stdin: Readable.from([Buffer.from(request)]) });
    return { record: record.lines.join(''), why: why.lines.join('') };
  }

  const CASES: readonly { user: string; code: number; record: RegExp; why: RegExp }[] = [
    {
      user: 'timeout',
      code: 408,
      record: /1\. .*: 408 \(our own\) timeout after 1\d\d\d/,
      why: /rule \/routing\/0 takes it[\s\S]*tried in this order\n {4}1\. sip:127\.0\.0\.81/,
    },
    {
      user: 'busy',
      code: 500,
      record: /1\. .*: 503 after/,
      why: /rule \/routing\/0 does not match\n {4}\$rU is "busy": does not match "timeout"\nrule \/routing\/1 takes it/,
    },
    {
      user: 'refused',
      code: 500,
      record: /1\. .*: 503 \(our own\) refused/,
      why: /set 3, algorithm 0 hash-call-id: 1 of 1 active\n {4}hash 0x[0-9a-f]{8} of Call-ID/,
    },
    {
      user: 'none',
      code: 503,
      record: /no active destination/,
      why: /0 of 1 active[\s\S]*inactive[\s\S]*no active destination/,
    },
    { user: 'nobody', code: 404, record: /no rule matched/, why: /no rule matched\nthe caller gets 404/ },
    { user: 'loop', code: 482, record: /1\. .*: 482 after/, why: /ourselves: a loop/ },
    { user: 'name', code: 500, record: /1\. .*: 503 \(our own\) tls/, why: /1\. sip:127\.0\.0\.1:\d+;transport=tls/ },
    {
      user: 'barred',
      code: 473,
      record: /\(not sent to\): 473 \(our own\) blacklisted/,
      why: /blacklisted, passed over/,
    },
  ];

  for (const { user, code, record, why } of CASES) {
    test(user, async () => {
      const result = await caller.placeCall({ ruri: `sip:${user}@example.com`, proxy: proxy() });
      assert.equal(result.status, code);
      const found = await diagnosed(user, result.callId);
      assert.match(found.record, record);
      assert.match(found.why, why);
    });
  }

  test('cancel', async () => {
    const result = await caller.placeCall({ ruri: 'sip:cancel@example.com', proxy: proxy(), cancelOn: 180 });
    assert.equal(result.status, 487);
    const { record, why } = await diagnosed('cancel', result.callId);
    assert.match(record, /487 after .*the caller gave up, rang after/);
    assert.match(why, /1\. sip:127\.0\.0\.83/);
  });

  test('too many hops', async (t) => {
    const socket = createSocket('udp4');
    t.after(() => socket.close());
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.86', resolve));
    const { port } = socket.address();
    const request =
      `INVITE sip:hops@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.86:${port};branch=z9hG4bKh\r\nFrom: <sip:a@b>;tag=1\r\n` +
      'To: <sip:hops@example.com>\r\nCall-ID: hops@1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 0\r\nContent-Length: 0\r\n\r\n';
    socket.send(request, sip, '127.0.0.1');
    const { record, why } = await diagnosed('hops', 'hops@1');
    assert.match(record, /483 after 0 ms\n.*\n {4}Too Many Hops/);
    assert.match(why, /Max-Forwards is used up\nthe caller gets 483/);
  });

  test('an explanation moves nothing on: the next call goes where it says', async () => {
    const { engine } = daemon.daemon;
    const set = engine.partition('acme')?.snapshot.sets.get(1);
    const hits = set?.destinations[0]?.health.hits;
    await diagnosed('timeout', (await caller.placeCall({ ruri: 'sip:busy@example.com', proxy: proxy() })).callId);
    assert.equal(set?.destinations[0]?.health.hits, hits);
  });
});
