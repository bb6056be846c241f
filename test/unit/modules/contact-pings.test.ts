import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Binding } from '../../../src/modules/registrar/contact.js';
import { Locations } from '../../../src/modules/registrar/locations.js';
import { type ContactPings, contactPings, startContactPings } from '../../../src/modules/registrar/pings.js';
import type { ScriptEnvironment } from '../../../src/script/environment.js';
import { FakeClock } from '../../support/fake-clock.js';

const SETTINGS: ContactPings = {
  interval: 10,
  natedOnly: true,
  nated: 64,
  bySip: 128,
  disabled: 256,
  from: 'sip:pinger@sw.example',
  method: 'OPTIONS',
  alongPath: false,
  timeout: 0,
  isOn: true,
};

interface Sent {
  readonly port: number;
  readonly text: string;
  /** Answers the request. */
  readonly answer?: () => void;
}

/** Pings to contacts in memory; sent requests are kept. */
function pinging(settings: Partial<ContactPings>, contacts: readonly Partial<Binding>[]) {
  const clock = new FakeClock();
  const locations = new Locations(false);
  const modified = Math.floor(clock.now() / 1000);
  for (const [i, each] of contacts.entries())
    locations.add({ aor: `u${i}`, ruid: `r${i}`, expires: 0, q: -1, cflags: 0, modified, ...each } as Binding);
  const sent: Sent[] = [];
  const socket = {
    transport: 'udp',
    address: '192.0.2.1',
    sentBy: '192.0.2.1:5060',
    send: (text: string, _address: string, port: number) => sent.push({ port, text }),
  };
  const pings = { ...SETTINGS, ...settings };
  const env = {
    dialect: 'kamailio',
    clock,
    modules: {
      loaded: new Set(['nathelper', 'usrloc']),
      of: (key: unknown) => (key === contactPings ? pings : { tables: new Map([['location', { locations }]]) }),
    },
    sockets: { choose: () => socket },
    socket: () => undefined,
    random: { token: () => 'token' },
    tm: { frTimeout: 5000 },
    resolver: {
      literal: ({ host, port, params }: { host: string; port: number; params: string }) => ({
        address: host,
        port,
        transport: params.includes('transport=tcp') ? 'tcp' : 'udp',
      }),
    },
    layer: {
      branches: { make: () => ({ text: 'z9hG4bKb' }) },
      requestOnce: (text: string, _branch: unknown, { port }: { port: number }, user: { onReply(): void }) =>
        sent.push({ port, text, answer: () => user.onReply() }),
    },
  } as unknown as ScriptEnvironment;
  const stop = startContactPings(() => env);
  return { clock, locations, sent, pings, stop };
}

const ports = (sent: readonly Sent[]): string[] => sent.map(({ port, text }) => `${port} ${text.slice(0, 4)}`).sort();

const CONTACTS: readonly Partial<Binding>[] = [
  { uri: 'sip:plain@127.0.0.1:7001' },
  { uri: 'sip:nat@127.0.0.1:7002', cflags: 64 },
  { uri: 'sip:asked@127.0.0.1:7003;x=y', cflags: 64 | 128 },
  { uri: 'sip:off@127.0.0.1:7004', cflags: 64 | 256 },
  { uri: 'sip:tcp@127.0.0.1:7005;transport=tcp', cflags: 64 | 128 },
  { uri: 'sip:behind@10.0.0.1:5060', cflags: 64, received: 'sip:127.0.0.1:7006' },
  { uri: 'sip:path@10.0.0.1:5060', cflags: 64 | 128, path: '<sip:127.0.0.1:7007;lr>,<sip:192.0.2.9;lr>' },
];

test('contacts behind NAT get empty datagrams, or requests if their flag is set; connections get nothing, as recorded of 5.6.3', () => {
  const { clock, sent, stop } = pinging({}, CONTACTS);
  clock.advance(10_000);
  assert.deepEqual(ports(sent), ['7002 \0\0\0\0', '7003 OPTI', '7006 \0\0\0\0', '7007 OPTI']);
  assert.equal(
    sent.find(({ port }) => port === 7007)?.text,
    [
      'OPTIONS sip:path@10.0.0.1:5060 SIP/2.0',
      'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKb',
      'Route: <sip:127.0.0.1:7007;lr>,<sip:192.0.2.9;lr>',
      'From: sip:pinger@sw.example;tag=r6-token',
      'To: sip:path@10.0.0.1:5060',
      'Call-ID: token@192.0.2.1',
      'CSeq: 1 OPTIONS',
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );
  stop();
  clock.advance(60_000);
  assert.equal(sent.length, 4);
});

test('without ping_nated_only all contacts get requests, when there is a flag for them', () => {
  const { clock, sent } = pinging({ natedOnly: false }, CONTACTS.slice(0, 2));
  clock.advance(10_000);
  assert.deepEqual(ports(sent), ['7001 OPTI', '7002 OPTI']);
});

test('keepalive_timeout removes contacts that do not answer', () => {
  const { clock, sent, locations } = pinging({ timeout: 15 }, CONTACTS.slice(2, 3));
  for (let i = 0; i < 4; i++) {
    clock.advance(10_000);
    sent.at(-1)?.answer?.();
  }
  assert.deepEqual([sent.length, locations.size], [4, 1]);
  clock.advance(10_000);
  clock.advance(10_000);
  clock.advance(10_000);
  assert.deepEqual([sent.length, locations.size], [5, 0]);
});

test('keepalive_timeout keeps contacts to which no request is sent: with empty datagrams, connections, and after a restart', () => {
  const { clock, locations } = pinging({ timeout: 15 }, [
    { uri: 'sip:nat@127.0.0.1:7002', cflags: 64 },
    { uri: 'sip:tcp@127.0.0.1:7005;transport=tcp', cflags: 64 | 128 },
  ]);
  clock.advance(60_000);
  assert.equal(locations.size, 2);
  const loaded = pinging({ timeout: 15 }, [{ uri: 'sip:u@127.0.0.1:7003', cflags: 64 | 128, modified: 1 }]);
  loaded.clock.advance(10_000);
  assert.deepEqual([loaded.sent.length, loaded.locations.size], [1, 1]);
  loaded.sent.at(-1)?.answer?.();
  loaded.pings.isOn = false;
  loaded.clock.advance(60_000);
  loaded.pings.isOn = true;
  loaded.clock.advance(10_000);
  assert.deepEqual([loaded.sent.length, loaded.locations.size], [2, 1]);
});

test('ten thousand contacts are pinged evenly over the interval, and pings can be stopped', () => {
  const many = Array.from({ length: 10_000 }, (_, i) => ({ uri: `sip:u@127.0.0.1:${1024 + i}`, cflags: 64 }));
  const { clock, sent, pings } = pinging({}, many);
  clock.advance(10_000);
  assert.equal(sent.length, 20);
  clock.advance(200);
  assert.equal(sent.length, 220);
  clock.advance(9790);
  assert.equal(sent.length, 10_000);
  clock.advance(50);
  assert.equal(sent.length, 10_040);
  pings.isOn = false;
  clock.advance(60_000);
  assert.equal(sent.length, 10_040);
});
