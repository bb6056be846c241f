import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { after, before, describe, type TestContext, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import type { DispatcherEvent } from '../../src/events/event.js';
import { TlsSocket } from '../../src/sip/transport/tls.js';
import { type CertificateFiles, pem, TestAuthority } from '../support/certificates.js';
import { type DaemonInProcess, startDaemonHere } from '../support/daemon-in-process.js';
import { findProgram } from '../support/servers/programs.js';
import { replyTo, requestText } from '../support/sip-recorder.js';
import { callOver, StreamGateway } from '../support/stream-endpoints.js';
import { failures, RecordingReceiver, StreamListener, StreamPeer } from '../support/stream-peer.js';
import { until } from '../support/until.js';

const skip = findProgram('openssl') === undefined ? 'openssl is not installed' : false;

const rule = (set: number, match: object = {}) => ({
  match,
  select: { set, alg: 8, flags: 'f' },
  relay: 'stateful',
  failover: { codes: ['408', '503'], mark: 'i' },
  record_route: true,
});

describe('SIP over TLS', { skip }, () => {
  let authority: TestAuthority;
  let stranger: TestAuthority;
  let own: CertificateFiles;
  let localhost: CertificateFiles;
  let foreign: CertificateFiles;

  before(() => {
    authority = new TestAuthority();
    stranger = new TestAuthority();
    own = authority.issue('proxy', ['DNS:proxy.example', 'IP:127.0.0.1']);
    localhost = authority.issue('localhost', ['DNS:localhost']);
    foreign = stranger.issue('foreign', ['DNS:localhost', 'IP:127.0.0.1']);
  });

  after(() => {
    authority?.remove();
    stranger?.remove();
  });

  const tlsSettings = (more: object = {}) => ({
    certificate: own.cert,
    private_key: own.key,
    ca: authority.ca,
    ...more,
  });

  async function daemonWith(
    t: TestContext,
    destinations: readonly (readonly [number, string])[],
    tls: object = {},
    more: object = {},
  ): Promise<DaemonInProcess & { events: DispatcherEvent[] }> {
    const running = await startDaemonHere(destinations, {
      listen: ['tls:127.0.0.1:0', 'tcp:127.0.0.1:0'],
      tls: tlsSettings(tls),
      tm: { fr_timeout: 2, t1: 50 },
      routing: [rule(1)],
      ...more,
    });
    const events: DispatcherEvent[] = [];
    running.daemon.onEvent((event) => events.push(event));
    t.after(() => running.stop());
    return { ...running, events };
  }

  async function gateway(t: TestContext, files: CertificateFiles, more: object = {}): Promise<StreamGateway> {
    const opened = await StreamGateway.open({ ...pem(files), ...more });
    t.after(() => opened.close());
    return opened;
  }

  async function client(t: TestContext, port: number, more: object = {}): Promise<StreamPeer> {
    const peer = await StreamPeer.connectTls(port, { ca: authority.text, ...more });
    t.after(() => peer.destroy());
    return peer;
  }

  test('a call has TLS on both sides, and the next one uses the same connection', async (t) => {
    const far = await gateway(t, own);
    const { port, daemon } = await daemonWith(t, [[1, far.uri()]]);
    const peer = await client(t, port);
    for (let i = 0; i < 3; i++) assert.deepEqual(await callOver(peer, 'TLS'), [200, 200]);
    assert.deepEqual([far.count('INVITE'), far.count('ACK'), far.count('BYE')], [3, 3, 3]);
    assert.equal(far.sockets.length, 1);
    const invite = await far.request('INVITE');
    assert.match(invite.text, new RegExp(`^Via: SIP/2.0/TLS 127.0.0.1:${port};`, 'm'));
    assert.match(invite.text, new RegExp(`^Record-Route: <sip:127.0.0.1:${port};transport=tls;lr;dt=[\\w-]{28}>`, 'm'));
    assert.match(daemon.metrics.prometheus(), /switchyard_sip_connections\{transport="tls",[^}]*direction="in"\} 1\n/);
  });

  test('the name of a destination is the server name of the handshake, and its certificate must have it', async (t) => {
    const far = await gateway(t, localhost);
    const { port } = await daemonWith(t, [[1, far.uri('localhost')]]);
    assert.deepEqual(await callOver(await client(t, port), 'TLS'), [200, 200]);
    assert.deepEqual(far.serverNames[0], 'localhost');
  });

  test('a certificate may name the SIP domain as a URI (RFC 5922)', async (t) => {
    const far = await gateway(t, authority.issue('uri', ['URI:sip:localhost']));
    const { port } = await daemonWith(t, [[1, far.uri('localhost')]]);
    assert.deepEqual(await callOver(await client(t, port), 'TLS'), [200, 200]);
  });

  for (const [why, host, files] of [
    ['signed by nobody we trust', '127.0.0.1', () => foreign],
    ['for another name', '127.0.0.1', () => localhost],
  ] as const) {
    test(`a server whose certificate is ${why} is failed over, with cause tls`, async (t) => {
      const bad = await gateway(t, files());
      const good = await gateway(t, own);
      const { port, events } = await daemonWith(t, [
        [1, bad.uri(host)],
        [1, good.uri()],
      ]);
      assert.deepEqual(await callOver(await client(t, port), 'TLS'), [200, 200]);
      assert.deepEqual([bad.requests.length, good.count('INVITE')], [0, 1]);
      assert.deepEqual(
        events.map(({ params }) => [params['address'], params['status'], params['cause']]),
        [[bad.uri(host), 'inactive', 'tls']],
      );
    });
  }

  test('with verify_server off any certificate is accepted', async (t) => {
    const far = await gateway(t, foreign);
    const { port } = await daemonWith(t, [[1, far.uri()]], { verify_server: false });
    assert.deepEqual(await callOver(await client(t, port), 'TLS'), [200, 200]);
  });

  test('a server that refuses our certificate after the handshake is failed over', async (t) => {
    const bad = await gateway(t, own, { requestCert: true, rejectUnauthorized: true, ca: stranger.text });
    const good = await gateway(t, own, { requestCert: true, rejectUnauthorized: true, ca: authority.text });
    const { port, events } = await daemonWith(t, [
      [1, bad.uri()],
      [1, good.uri()],
    ]);
    const started = performance.now();
    assert.deepEqual(await callOver(await client(t, port), 'TLS'), [200, 200]);
    assert.ok(performance.now() - started < 1900, 'without waiting for the timer');
    // The reset of the connection may arrive before the alert.
    assert.match(String(events[0]?.params['cause']), /^(tls|refused)$/);
    assert.equal(good.count('INVITE'), 1);
  });

  test('a server that is silent in the handshake is given up and failed over', async (t) => {
    const mute = await StreamListener.open();
    t.after(() => mute.close());
    const good = await gateway(t, own);
    const { port } = await daemonWith(
      t,
      [
        [1, `sip:127.0.0.1:${mute.port};transport=tls`],
        [1, good.uri()],
      ],
      {},
      { tm: { fr_timeout: 0.3, t1: 50 } },
    );
    const peer = await client(t, port);
    const results = await Promise.all([callOver(peer, 'TLS')]);
    assert.deepEqual(results, [[200, 200]]);
    assert.equal(mute.peers.length, 1);
  });

  test('a caller whose connection is gone is called back by the name in its Via', async (t) => {
    const far = await gateway(t, own);
    const { port, daemon } = await daemonWith(t, [[1, far.uri()]]);
    const caller = await gateway(t, localhost);
    far.answers = false;
    const peer = await client(t, port);
    peer.write(requestText({ via: `SIP/2.0/TLS localhost:${caller.port};branch=z9hG4bKgone`, method: 'MESSAGE' }));
    const sent = await far.request('MESSAGE');
    peer.destroy();
    await until('the end of the connection', () => daemon.sockets.all[0]?.counts?.inbound === 0);
    far.sockets[0]?.write(replyTo(sent.text, 200), 'latin1');
    await until('the reply over a new connection', () => caller.replies.length === 1);
    assert.deepEqual([caller.replies[0]?.status, caller.serverNames], [200, ['localhost']]);
  });

  test('a client certificate is demanded, and one of another authority refused', async (t) => {
    const far = await gateway(t, own);
    const { port } = await daemonWith(t, [[1, far.uri()]], { verify_client: true });
    const known = await client(t, port, pem(authority.issue('client', ['DNS:client.example'])));
    assert.deepEqual(await callOver(known, 'TLS'), [200, 200]);
    for (const options of [{}, pem(foreign)]) {
      const peer = await client(t, port, options);
      peer.write(requestText());
      await peer.gone();
      assert.equal(peer.received, '');
    }
    assert.equal(far.count('INVITE'), 1);
  });

  test('the server name that a client asks for decides the certificate; the first certificate is for all other names', async (t) => {
    const a = authority.issue('a', ['DNS:a.example', 'DNS:alias.example']);
    const wild = authority.issue('wild', ['DNS:*.wild.example']);
    const { port } = await daemonWith(t, [], {
      contexts: [
        { server_name: ['a.example', 'alias.example'], certificate: a.cert, private_key: a.key },
        { server_name: '*.wild.example', certificate: wild.cert, private_key: wild.key },
      ],
    });
    const shown = async (servername: string) => {
      const peer = await client(t, port, { servername, rejectUnauthorized: false });
      return (peer.socket as TLSSocket).getPeerCertificate().subject.CN;
    };
    assert.deepEqual(
      [await shown('a.example'), await shown('ALIAS.example'), await shown('x.wild.example'), await shown('b.example')],
      ['a', 'a', 'wild', 'proxy'],
    );
  });

  test('a server name may demand another certificate than the socket, which no resumed session goes round', async (t) => {
    const far = await gateway(t, own);
    const named = (name: string, more: object) => {
      const files = authority.issue(name, [`DNS:${name}.example`]);
      return { server_name: `${name}.example`, certificate: files.cert, private_key: files.key, ...more };
    };
    const { port } = await daemonWith(t, [[1, far.uri()]], {
      contexts: [
        named('open', {}),
        named('closed', { ca: stranger.ca, verify_client: true }),
        named('shown', { verify_client: 'if_shown' }),
      ],
    });
    const known = pem(authority.issue('client', ['DNS:client.example']));
    const outcome = async (name: string, options: object) => {
      const peer = await client(t, port, { servername: `${name}.example`, rejectUnauthorized: false, ...options });
      return { peer, result: await callOver(peer, 'TLS').then(String, () => 'gone') };
    };
    const results = async (name: string) => [
      (await outcome(name, {})).result,
      (await outcome(name, known)).result,
      (await outcome(name, pem(foreign))).result,
    ];
    assert.deepEqual(await results('open'), ['200,200', '200,200', '200,200']);
    assert.deepEqual(await results('closed'), ['gone', 'gone', '200,200']);
    assert.deepEqual(await results('shown'), ['200,200', '200,200', 'gone']);
    for (const options of [{}, known]) {
      const { peer } = await outcome('open', options);
      const session = (peer.socket as TLSSocket).getSession();
      assert.equal((await outcome('closed', { ...options, session })).result, 'gone');
    }
  });

  test('certificates are read again by a reload; unusable ones change nothing', async (t) => {
    const files = authority.issue('old', ['IP:127.0.0.1']);
    const renewed = authority.issue('new', ['IP:127.0.0.1']);
    const context = authority.issue('context', ['DNS:a.example']);
    const tls = {
      certificate: files.cert,
      private_key: files.key,
      contexts: [{ server_name: 'a.example', certificate: context.cert, private_key: context.key }],
    };
    const listen = ['tls:127.0.0.1:0', 'wss:127.0.0.1:0'];
    const { daemon } = await daemonWith(t, [], tls, { listen });
    const { settings } = (daemon as unknown as { options: { settings: Parameters<typeof daemon.reconfigure>[0] } })
      .options;
    const shown = async (servername = '') => {
      const names = [];
      for (const { port } of daemon.sockets.all) {
        const peer = await client(t, port, { servername, rejectUnauthorized: false });
        names.push((peer.socket as TLSSocket).getPeerCertificate().subject.CN);
      }
      return names;
    };
    assert.deepEqual(
      [await shown(), await shown('a.example')],
      [
        ['old', 'old'],
        ['context', 'context'],
      ],
    );
    copyFileSync(renewed.cert, files.cert);
    // Certificate and key do not match.
    await assert.rejects(daemon.reconfigure(settings), /old\.pem and private key .*old\.key cannot be used/);
    assert.deepEqual(await shown(), ['old', 'old']);
    copyFileSync(renewed.key, files.key);
    copyFileSync(renewed.cert, context.cert);
    copyFileSync(renewed.key, context.key);
    assert.deepEqual(await daemon.reconfigure(settings), []);
    assert.deepEqual(
      [await shown(), await shown('a.example')],
      [
        ['new', 'new'],
        ['new', 'new'],
      ],
    );
  });

  test('garbage in place of a handshake does not disturb other connections', async (t) => {
    const far = await gateway(t, own);
    const { port, daemon, errors } = await daemonWith(t, [[1, far.uri()]]);
    for (const bytes of [requestText(), '\x16\x03\x01\xff\xff', '\r\n\r\n', '\x00'.repeat(5000)]) {
      const peer = await StreamPeer.connect(port);
      peer.write(bytes);
      peer.socket.end();
      await peer.gone();
    }
    assert.deepEqual(await callOver(await client(t, port), 'TLS'), [200, 200]);
    await until('one connection left', () => daemon.sockets.all[0]?.counts?.inbound === 1);
    assert.deepEqual(errors, []);
  });

  describe('the socket alone', () => {
    async function socketWith(
      t: TestContext,
      more: { verifyClient?: boolean; connectMs?: number; handshakeMs?: number } = {},
    ) {
      const receiver = new RecordingReceiver();
      const { verifyClient = false, ...options } = more;
      const tls = { ...own, ca: authority.ca, verifyClient, verifyServer: true };
      const socket = new TlsSocket({ address: '127.0.0.1', port: 0, description: 'tls', ...options }, receiver, tls);
      await socket.open();
      t.after(() => socket.close());
      return { socket, receiver };
    }

    test('handshakes have a deadline, in both directions, and share one attempt', async (t) => {
      const { socket } = await socketWith(t, { connectMs: 100, handshakeMs: 100 });
      const silent = await StreamPeer.connect(socket.port);
      const mute = await StreamListener.open();
      t.after(() => mute.close());
      const { list, onError } = failures();
      for (let i = 0; i < 50; i++) socket.send(requestText(), '127.0.0.1', mute.port, onError);
      assert.equal(socket.counts.outbound, 1);
      await until('all errors', () => list.length === 50);
      assert.ok(list.every(({ cause }) => cause === 'timeout'));
      await silent.gone();
      assert.deepEqual([mute.peers.length, socket.counts.outbound], [1, 0]);
    });

    test('closing does not wait for handshakes', async (t) => {
      const { socket } = await socketWith(t);
      const silent = await StreamPeer.connect(socket.port);
      const started = performance.now();
      await socket.close();
      await silent.gone();
      assert.ok(performance.now() - started < 2000);
    });

    test('a connection verified for one name is not used for another', async (t) => {
      const far = await gateway(t, localhost);
      const { socket } = await socketWith(t);
      const { list, onError } = failures();
      socket.send(requestText({ method: 'OPTIONS' }), '127.0.0.1', far.port, onError, undefined, 'localhost');
      await far.request('OPTIONS');
      socket.send(requestText({ method: 'MESSAGE' }), '127.0.0.1', far.port, onError, undefined, 'bank.example');
      await until('the name does not fit', () => list.length === 1);
      assert.deepEqual([list[0]?.cause, far.count('MESSAGE')], ['tls', 0]);
    });

    for (const [verifyClient, names, reuses] of [
      [true, ['IP:127.0.0.1'], true],
      [true, ['DNS:neighbour.example', 'IP:127.0.0.2'], false],
      [false, undefined, false],
    ] as const) {
      const shown = names === undefined ? 'without a certificate' : `with a certificate for ${names}`;
      test(`an alias is ${reuses ? 'accepted from' : 'refused to'} a client ${shown}`, async (t) => {
        const { socket, receiver } = await socketWith(t, { verifyClient });
        const peer = await client(t, socket.port, names ? pem(authority.issue('peer', [...names])) : {});
        peer.write(requestText({ method: 'OPTIONS', via: 'SIP/2.0/TLS 127.0.0.1:5098;alias;branch=z9hG4bKa' }));
        await receiver.message();
        const { list, onError } = failures();
        socket.send(requestText({ method: 'INVITE' }), '127.0.0.1', 5098, onError);
        await until('either', () => list.length > 0 || peer.received.includes('INVITE'));
        assert.equal(peer.received.includes('INVITE'), reuses);
      });
    }

    test('the certificate of a client that is refused an alias is read once, however often it asks', async (t) => {
      const { socket, receiver } = await socketWith(t, { verifyClient: true });
      const peer = await client(t, socket.port, pem(authority.issue('peer', ['DNS:neighbour.example'])));
      const read = t.mock.method(TLSSocket.prototype, 'getPeerCertificate');
      for (let i = 0; i < 5; i++) {
        peer.write(requestText({ method: 'OPTIONS', via: `SIP/2.0/TLS 127.0.0.1:5098;alias;branch=z9hG4bKb${i}` }));
        await receiver.message(i);
      }
      assert.equal(read.mock.callCount(), 1);
    });
  });
});
