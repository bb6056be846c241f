import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readSettings } from '../../../src/config/load.js';
import { localAddresses } from '../../../src/core/local-addresses.js';
import { load, refusals } from './config-folder.js';

const read = (settings: object) => readSettings(settings, { cwd: '/etc/sw', env: {} });

describe('listeners', () => {
  test('advertise may be given for a socket, for all sockets, or not at all', () => {
    const { listen } = read({
      listen: ['udp:10.0.0.1:5060 as 203.0.113.7:5070', 'tcp:10.0.0.1:5062'],
      advertise: '198.51.100.1',
    }).settings;
    assert.deepEqual(listen[0]?.advertise, { host: '203.0.113.7', port: 5070 });
    assert.deepEqual(listen[1]?.advertise, { host: '198.51.100.1', port: 5062 });
    assert.equal(read({ listen: 'udp:10.0.0.1' }).settings.listen[0]?.advertise, undefined);
  });

  test('a socket on all addresses advertises one that can be reached', () => {
    for (const [host, family] of [
      ['0.0.0.0', 4],
      ['[::]', 6],
    ] as const) {
      const { settings, warnings } = read({ listen: `udp:${host}:5070` });
      const known = localAddresses(family);
      const outside = known.filter((each) => !each.internal);
      const expected = (outside[0] ?? known[0])?.address ?? (family === 6 ? '::1' : '127.0.0.1');
      assert.deepEqual(settings.listen[0]?.advertise, { host: expected, port: 5070 });
      const found = warnings.filter(({ reason }) => reason.includes('peers see'));
      assert.equal(found.length, outside.length === 1 ? 0 : 1);
    }
    const named = read({ listen: 'udp:0.0.0.0:5070 as sip.example' }).settings.listen[0]?.advertise;
    assert.deepEqual(named, { host: 'sip.example', port: 5070 });
  });

  test('duplicate sockets, sctp and an invalid common address are refused', (t) => {
    const lines = refusals(t, {
      'switchyard.json': {
        listen: ['udp:1.1.1.1', 'udp:1.1.1.1:5060', 'sctp:1.1.1.1', 'udp:h:0', 'udp:h:0'],
        advertise: 'a b',
      },
    });
    assert.deepEqual(lines, [
      'switchyard.json#/advertise: bad socket description "a b": bad host "a b"',
      'switchyard.json#/listen/1: socket udp:1.1.1.1:5060 is listed twice',
      'switchyard.json#/listen/2: sctp is not supported',
    ]);
  });

  test('a sending socket on which the daemon does not listen causes a warning', () => {
    const settings = {
      listen: ['udp:0.0.0.0:5060'],
      modparam: { ds_probing_sock: 'udp:10.0.0.9:5077' },
      partitions: [{ name: 'a', db_url: 'text:./a', ping_sock: 'udp:10.0.0.9:5060' }],
    };
    assert.deepEqual(
      read(settings).warnings.map(({ reason }) => reason),
      ['ds_probing_sock is udp:10.0.0.9:5077, but the daemon does not listen on it'],
    );
  });
});

describe('management endpoints', () => {
  test('paths start at the folder of the file, modes become numbers, and the reply folder ends with a slash', () => {
    const { mi } = read({
      http: '[::1]:8085',
      events: { nats: {} },
      mi: {
        fifo: { fifo_name: 'run/mi', fifo_mode: '600', reply_dir: './replies' },
        datagram: [{ socket_name: 'udp:127.0.0.1:8080' }, { socket_name: 'unix:./mi.sock', unix_socket_mode: '0666' }],
        http: { root: '/rpc' },
        nats: {},
      },
    }).settings;
    assert.deepEqual(mi, {
      fifo: [{ fifoName: '/etc/sw/run/mi', fifoMode: 0o600, replyDir: '/etc/sw/replies/' }],
      datagram: [
        { socketName: 'udp:127.0.0.1:8080', unixMode: 0o660 },
        { socketName: '/etc/sw/mi.sock', unixMode: 0o666 },
      ],
      http: { root: 'rpc' },
      nats: { subject: 'opensips.mi' },
      ctl: [],
      jsonrpc: [],
    });
  });

  test('an endpoint whose prerequisite is missing is refused', (t) => {
    const mi = {
      fifo: { fifo_name: '/x', fifo_mode: 660 },
      datagram: [{ socket_name: `/${'x'.repeat(120)}` }, { socket_name: 'udp:127.0.0.1' }],
      http: {},
      nats: {},
    };
    assert.deepEqual(
      refusals(t, { 'switchyard.json': { mi } }).map((line) => line.replace(/x{9,}/, 'xx')),
      [
        'switchyard.json#/mi/fifo/fifo_mode: must be a string, not a number',
        'switchyard.json#/mi/http: needs the listener of the key "http"',
        'switchyard.json#/mi/nats: needs the connection of "events" "nats"',
        'switchyard.json#/mi/datagram/0/socket_name: the path of a UNIX socket is at most 107 bytes long, "/xx" is longer',
        'switchyard.json#/mi/datagram/1/socket_name: the port is missing: expected udp:host:port',
      ],
    );
  });
});

describe('NATS', () => {
  test('the outbox on disk stands beside the first SQLite database or the settings, unless it is named or switched off', () => {
    const outbox = (jetstream: object, dbUrl = 'sqlite:/var/lib/sw/gateways.db') =>
      read({ node: 'sw1', modparam: { db_url: dbUrl }, events: { nats: { jetstream } } }).settings.events.nats
        ?.jetstream?.outboxFile;
    assert.equal(outbox({}), '/var/lib/sw/outbox-sw1.db');
    assert.equal(outbox({ outbox_file: '' }), undefined);
    assert.equal(outbox({ outbox_file: './events.db' }), '/etc/sw/events.db');
    assert.equal(outbox({}, 'text:./db'), '/etc/sw/outbox-sw1.db');
    assert.equal(outbox({}, 'postgres://sw@db/sw'), '/etc/sw/outbox-sw1.db');
  });

  test('NATS has defaults, keeps secrets, and resolves the paths of files', () => {
    const { nats } = read({
      node: 'sw1',
      events: { nats: { servers: 'tls://h:4222', user: 'u', pass: 'p', tls: { ca: './ca.pem' }, jetstream: {} } },
    }).settings.events;
    assert.deepEqual(nats, {
      servers: ['tls://h:4222'],
      prefix: 'opensips',
      jetstream: { stream: 'DISPATCHER', outboxLimit: 10000, outboxFile: '/etc/sw/outbox-sw1.db' },
      bucket: 'DISPATCHER_STATE',
      user: 'u',
      pass: 'p',
      token: undefined,
      nkeySeed: undefined,
      credsFile: undefined,
      tls: { ca: '/etc/sw/ca.pem' },
    });
    assert.equal(read({ events: { nats: {} } }).settings.events.nats?.bucket, undefined);
    assert.equal(read({ events: { nats: { jetstream: {}, bucket: '' } } }).settings.events.nats?.bucket, undefined);
  });

  test('invalid servers and two kinds of credentials are refused without showing a secret', (t) => {
    const nats = {
      servers: ['http://geheim@h', 'nats://u:geheim@', 'nats://[::1]:4222', 'h:4222', 'nats://t@h'],
      token: 'a',
      nkey_seed: 'b',
      pass: 'c',
    };
    const lines = refusals(t, { 'switchyard.json': { events: { nats } } });
    assert.equal(lines.length, 4, lines.join('\n'));
    assert.match(lines[0]!, /nats\/servers\/0: bad server "http:\/\/\*\*\*@h"/);
    assert.match(lines[1]!, /nats\/servers\/1: bad server/);
    assert.match(lines[2]!, /nats\/pass: needs "user" as well/);
    assert.match(lines[3]!, /only one of/);
    assert.ok(!lines.join().includes('geheim'));
  });
});

test('tls files are resolved, and certificate and key are both needed', (t) => {
  const { tls } = read({ listen: 'tls:127.0.0.1', tls: { certificate: './c.pem', private_key: '/k.pem' } }).settings;
  assert.deepEqual(tls, {
    cert: '/etc/sw/c.pem',
    key: '/k.pem',
    ca: undefined,
    verifyClient: false,
    verifyServer: true,
    contexts: [],
    listeners: [],
    clients: [],
  });
  assert.deepEqual(refusals(t, { 'switchyard.json': { tls: { certificate: 'x' } } }), [
    'switchyard.json#/tls: key "private_key" is missing',
  ]);
});

test('server names of certificates are lower case, valid and unique', (t) => {
  const pair = { certificate: './b.pem', private_key: 'b.key' };
  const main = { certificate: 'a.pem', private_key: 'a.key' };
  const { tls } = read({
    listen: 'tls:127.0.0.1',
    tls: {
      ...main,
      contexts: [
        { server_name: ['B.Example', '*.b.example'], ...pair },
        { server_name: 'c', ...pair },
      ],
    },
  }).settings;
  const files = { cert: '/etc/sw/b.pem', key: '/etc/sw/b.key' };
  assert.deepEqual(tls?.contexts, [
    { serverNames: ['b.example', '*.b.example'], ...files },
    { serverNames: ['c'], ...files },
  ]);
  const contexts = [
    { server_name: ['x.example', 'a b', 'a.*.example', '.x'], ...pair },
    { server_name: 'X.example', ...pair },
  ];
  assert.deepEqual(refusals(t, { 'switchyard.json': { tls: { ...main, contexts } } }), [
    'switchyard.json#/tls/contexts/0/server_name/1: bad server name "a b": expected a host name',
    'switchyard.json#/tls/contexts/0/server_name/2: bad server name "a.*.example": expected a host name',
    'switchyard.json#/tls/contexts/0/server_name/3: bad server name ".x": expected a host name',
    'switchyard.json#/tls/contexts/1/server_name: server name "x.example" occurs twice',
  ]);
});

test('tls.listeners and tls.clients are read; addresses need a port, a certificate its key', (t) => {
  const main = { certificate: 'a.pem', private_key: 'a.key' };
  const { tls } = read({
    listen: 'tls:127.0.0.1',
    tls: {
      ...main,
      listeners: [{ address: '127.0.0.1:5061', certificate: './b.pem', private_key: 'b.key', verify_client: true }],
      clients: [{ address: ['[::1]:5061'], server_name: 'X.example', ...main }, { verify_server: false }],
    },
  }).settings;
  assert.deepEqual(tls?.listeners, [
    { addresses: ['127.0.0.1:5061'], cert: '/etc/sw/b.pem', key: '/etc/sw/b.key', ca: undefined, verifyClient: true },
  ]);
  const common = { ca: undefined, verifyServer: true };
  assert.deepEqual(tls?.clients, [
    {
      addresses: ['[::1]:5061'],
      serverNames: ['x.example'],
      cert: '/etc/sw/a.pem',
      key: '/etc/sw/a.key',
      ...common,
    },
    { addresses: [], serverNames: [], cert: undefined, key: undefined, ...common, verifyServer: false },
  ]);
  const clients = [{ address: '10.0.0.1' }, { certificate: 'x' }];
  assert.deepEqual(refusals(t, { 'switchyard.json': { tls: { ...main, clients } } }), [
    'switchyard.json#/tls/clients/0/address: "10.0.0.1" has no port',
    'switchyard.json#/tls/clients/1: certificate and private_key must both be given',
  ]);
});

test('limits: the default of a burst is the number of requests of one second', () => {
  assert.deepEqual(read({}).settings.limits, {
    requestsPerSecondPerSource: 0,
    burst: 1,
    maxTransactions: 400_000,
    maxDialogs: 200_000,
    maxContacts: 500_000,
    trustedSources: [],
    maxConnections: 10_000,
    gatherMs: 1,
    paceMs: 10,
    batchDatagrams: true,
  });
  const limits = {
    requests_per_second_per_source: 12.5,
    max_transactions: 10,
    max_dialogs: 20,
    max_contacts: 30,
    max_connections: 5,
    gather_ms: 0,
    pace_ms: 4,
  };
  assert.deepEqual(read({ limits }).settings.limits, {
    requestsPerSecondPerSource: 12.5,
    burst: 13,
    maxTransactions: 10,
    maxDialogs: 20,
    maxContacts: 30,
    trustedSources: [],
    maxConnections: 5,
    gatherMs: 0,
    paceMs: 4,
    batchDatagrams: true,
  });
  assert.equal(read({ limits: { ...limits, burst: 2 } }).settings.limits.burst, 2);
});

test('limits: trusted sources are addresses and CIDR blocks', () => {
  const blocks = ['192.0.2.1', '10.0.0.0/8', '2001:db8::/32'];
  assert.deepEqual(read({ limits: { trusted_sources: blocks } }).settings.limits.trustedSources, blocks);
  assert.throws(() => read({ limits: { trusted_sources: ['10.0.0.0/8', 'sbc.example'] } }), {
    message: /limits\/trusted_sources\/1: "sbc.example" is neither an IP address nor a CIDR block/,
  });
});

test('without a file section its service is off', (t) => {
  const { settings } = load(t, { 'switchyard.json': {} });
  assert.deepEqual(
    [settings.http, settings.mi, settings.events, settings.tls, settings.routing],
    [
      undefined,
      { fifo: [], datagram: [], http: undefined, nats: undefined, ctl: [], jsonrpc: [] },
      { nats: undefined },
      undefined,
      [],
    ],
  );
  assert.deepEqual(settings.tm, {
    frTimeout: 5,
    frInvTimeout: 185,
    t1: 500,
    t2: 4000,
    t4: 5000,
    timerC: 185,
    auto100: true,
    tryingDelay: 0,
    udpMaxRequest: 1300,
    localRport: true,
    sipsNeedsTls: true,
    strictReplySource: false,
  });
});
