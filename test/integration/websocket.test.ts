import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import type { ClientOptions } from 'ws';
import { UnfinishedBytes } from '../../src/sip/transport/unfinished.js';
import { MAX_WS_MESSAGE_BYTES, type WsOptions, WsSocket } from '../../src/sip/transport/ws.js';
import { TestAuthority } from '../support/certificates.js';
import { startDaemonHere } from '../support/daemon-in-process.js';
import { findProgram } from '../support/servers/programs.js';
import { requestText, withoutToken } from '../support/sip-recorder.js';
import { callOver, finalReply, routeSet, StreamGateway } from '../support/stream-endpoints.js';
import { failures, RecordingReceiver, StreamPeer } from '../support/stream-peer.js';
import { until } from '../support/until.js';
import { WsPeer } from '../support/ws-peer.js';

const RULE = { match: {}, select: { set: 1, alg: 8, flags: 'f' }, relay: 'stateful', record_route: true };

async function gateway(t: TestContext): Promise<StreamGateway> {
  const opened = await StreamGateway.open();
  t.after(() => opened.close());
  return opened;
}

async function daemonTo(t: TestContext, far: StreamGateway | string, more: object = {}) {
  const running = await startDaemonHere([[1, typeof far === 'string' ? far : far.uri()]], {
    listen: ['ws:127.0.0.1:0', 'tcp:127.0.0.1:0'],
    tm: { fr_timeout: 2, t1: 50 },
    routing: [RULE],
    ...more,
  });
  t.after(() => running.stop());
  return running;
}

async function client(
  t: TestContext,
  port: number,
  protocols?: string | string[],
  options?: ClientOptions,
  scheme = 'ws',
): Promise<WsPeer> {
  const peer = await WsPeer.connect(`${scheme}://127.0.0.1:${port}/`, protocols, options);
  t.after(() => peer.socket.terminate());
  return peer;
}

async function socketAlone(t: TestContext, more: Partial<WsOptions> = {}) {
  const receiver = new RecordingReceiver();
  const options = { address: '127.0.0.1', port: 0, description: 'ws:127.0.0.1:0', ...more };
  const socket = new WsSocket('ws', options, receiver, undefined);
  await socket.open();
  t.after(() => socket.close());
  return { socket, receiver };
}

describe('SIP over WebSocket (RFC 7118)', () => {
  test('a call from a browser to a gateway on TCP', async (t) => {
    const far = await gateway(t);
    const { port, daemon } = await daemonTo(t, far);
    const peer = await client(t, port);
    assert.equal(peer.socket.protocol, 'sip');
    assert.deepEqual(await callOver(peer, 'WS'), [200, 200]);
    await far.request('ACK');
    const invite = await far.request('INVITE');
    assert.match(invite.text, /^Via: SIP\/2\.0\/WS caller\.invalid;.*rport=\d+;received=127\.0\.0\.1/m);
    const routes = [...invite.text.matchAll(/^Record-Route: (.*)$/gm)].map((match) => match[1]);
    const [ws, tcp] = daemon.sockets.all;
    assert.equal(withoutToken(routes[0] ?? ''), `<sip:${tcp?.sentBy};transport=tcp;r2=on;lr>`);
    assert.match(routes[1] ?? '', new RegExp(`^<sip:[a-z0-9]{8,}@${ws?.sentBy};transport=ws;r2=on;lr;dt=[\\w-]{28}>$`));
  });

  test('a request of the gateway reaches the browser over the flow of its dialog', async (t) => {
    const far = await gateway(t);
    const { port } = await daemonTo(t, far);
    const peer = await client(t, port);
    const other = await client(t, port);
    peer.write(requestText({ via: 'SIP/2.0/WS x.invalid;branch=z9hG4bKws1;rport' }));
    await finalReply(peer);
    const invite = await far.request('INVITE');
    // The gateway's route set is the received Record-Route in its order.
    const route = routeSet(invite).trim().split('\r\n').reverse().join('\r\n');
    const bye = requestText({
      method: 'BYE',
      uri: 'sip:caller@x.invalid;transport=ws',
      via: `SIP/2.0/TCP 127.0.0.1:${far.port};branch=z9hG4bKbye1`,
      headers: `${route}\r\n`,
      toTag: 'a1',
    });
    far.sockets[0]?.write(bye);
    const [received] = await peer.expect(/^BYE [\s\S]*/);
    assert.doesNotMatch(received, /^Route:/m);
    assert.match(received, /^Via: SIP\/2\.0\/WS /m);
    const via = [...received.matchAll(/^Via: .*\r\n/gm)].join('');
    peer.write(
      `SIP/2.0 200 OK\r\n${via}${received.match(/^From: .*\r\n/m)}${received.match(/^To: .*\r\n/m)}` +
        `${received.match(/^Call-ID: .*\r\n/m)}CSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n`,
    );
    await until('200 for the BYE', () => far.replies.some((each) => each.method === 'BYE' && each.status === 200));
    assert.deepEqual(other.messages, []);
    // After the browser has gone it cannot be reached; the gateway gets an error without waiting for a timer.
    peer.socket.terminate();
    await peer.gone();
    const started = performance.now();
    far.sockets[0]?.write(bye.replace('z9hG4bKbye1', 'z9hG4bKbye2').replace('CSeq: 1', 'CSeq: 2'));
    await until('a failure', () => far.replies.some((each) => each.cseqNumber === 2 && each.status >= 300));
    assert.ok(performance.now() - started < 1900);
  });

  test('another sub-protocol, or none, is refused; "SIP" among several is found', async (t) => {
    const far = await gateway(t);
    const { port } = await daemonTo(t, far);
    for (const protocols of [[], ['xmpp'], ['msrp', 'sipx']]) {
      const peer = await client(t, port, protocols);
      assert.equal(peer.refusal, 400, String(protocols));
    }
    const peer = await client(t, port, ['xmpp', 'sip']);
    assert.equal(peer.socket.protocol, 'sip');
    assert.deepEqual(await callOver(peer, 'WS'), [200, 200]);
  });

  test('a call over wss reaches a gateway on wss', { skip: findProgram('openssl') === undefined }, async (t) => {
    const authority = new TestAuthority();
    t.after(() => authority.remove());
    const own = authority.issue('own', ['IP:127.0.0.1']);
    const far = await gateway(t);
    const listen = ['wss:127.0.0.1:0', 'tcp:127.0.0.1:0'];
    const tls = { certificate: own.cert, private_key: own.key, ca: authority.ca };
    const inner = await daemonTo(t, far, { listen, tls });
    const outer = await daemonTo(t, `sip:127.0.0.1:${inner.port};transport=wss`, { listen, tls });
    const peer = await client(t, outer.port, 'sip', { ca: readFileSync(authority.ca) }, 'wss');
    assert.deepEqual(await callOver(peer, 'WSS'), [200, 200]);
    assert.match((await far.request('INVITE')).text, /^Via: SIP\/2\.0\/WSS 127\.0\.0\.1:/m);
    // No trusted authority signed this certificate: the next hop fails with cause tls at once.
    const stranger = new TestAuthority();
    t.after(() => stranger.remove());
    const strange = await daemonTo(t, `sip:127.0.0.1:${inner.port};transport=wss`, {
      listen,
      tls: { ...tls, ca: stranger.ca },
    });
    const refused = await client(t, strange.port, 'sip', { ca: readFileSync(authority.ca) }, 'wss');
    assert.deepEqual(await callOver(refused, 'WSS'), [500, 0]);
  });

  test('a message that is not UTF-8 is sent as a binary frame, any other as text', async (t) => {
    const { socket, receiver } = await socketAlone(t);
    const peer = await client(t, socket.port);
    peer.socket.send(Buffer.from(requestText({ body: '\xff\xfe' }), 'latin1'), { binary: true });
    const { text, source } = await receiver.message();
    assert.ok(text.endsWith('\xff\xfe'));
    socket.send('SIP/2.0 200 \xff', source.address, source.port, undefined, source.flow);
    socket.send('SIP/2.0 200 \xc3\xa4', source.address, source.port, undefined, source.flow);
    await until('both', () => peer.messages.length === 2);
    assert.deepEqual(
      [peer.messages, peer.binary],
      [
        ['SIP/2.0 200 \xff', 'SIP/2.0 200 \xc3\xa4'],
        [true, false],
      ],
    );
  });

  test('keep-alives: a double CRLF is answered with a single one, a ping with a pong', async (t) => {
    const { socket, receiver } = await socketAlone(t);
    const peer = await client(t, socket.port);
    let pongs = 0;
    peer.socket.on('pong', () => pongs++);
    peer.write('\r\n');
    peer.write('\r\n\r\n');
    peer.socket.ping();
    await until('both answers', () => pongs === 1 && peer.messages.length === 1);
    assert.deepEqual([peer.messages, receiver.messages, receiver.dropped], [['\r\n'], [], []]);
  });

  for (const [what, send, code] of [
    ['an oversized message', (peer: WsPeer) => peer.write('x'.repeat(MAX_WS_MESSAGE_BYTES + 1)), 1009],
    ['text that is no UTF-8', (peer: WsPeer) => peer.write('\xff\xfe'), 1007],
    ['a fragmented giant', (peer: WsPeer) => fragments(peer, 40), 1009],
  ] as const) {
    test(`${what} ends the connection and is noted`, async (t) => {
      const { socket, receiver } = await socketAlone(t);
      const peer = await client(t, socket.port);
      send(peer);
      await peer.gone();
      assert.deepEqual([peer.closeCode, receiver.messages.length, receiver.dropped.length], [code, 0, 1]);
      assert.equal(socket.counts.inbound, 0);
    });
  }

  test('a peer that no longer answers pings is disconnected, and its flow removed', async (t) => {
    const { socket, receiver } = await socketAlone(t, { pingMs: 60 });
    const peer = await client(t, socket.port, 'sip', { autoPong: false });
    // At once: on a busy machine it may be dropped before the other client has connected.
    peer.write(requestText());
    const alive = await client(t, socket.port);
    alive.write(requestText());
    await receiver.message(1);
    const flows = receiver.messages.map(({ source }) => source.flow?.id ?? '');
    await peer.gone();
    assert.deepEqual(flows.map((id) => socket.findFlow(id) !== undefined).sort(), [false, true]);
    assert.equal(alive.closed, false);
  });

  test('a reply to a peer that is gone is an error, not an attempt to call it back', async (t) => {
    const { socket, receiver } = await socketAlone(t);
    const peer = await client(t, socket.port);
    peer.write(requestText());
    const { source } = await receiver.message();
    peer.socket.terminate();
    await until('the end of the flow', () => source.flow?.open === false);
    const { list, onError } = failures();
    socket.send('SIP/2.0 200 OK\r\n\r\n', source.address, source.port, onError, source.flow);
    await until('the error', () => list.length === 1);
    assert.deepEqual([list[0]?.cause, socket.counts.outbound], ['refused', 0]);
  });

  test('a peer that does not read is disconnected when too much waits for it', async (t) => {
    const { socket, receiver } = await socketAlone(t, { maxQueuedBytes: 1 << 20 });
    const peer = await client(t, socket.port);
    peer.write(requestText());
    const { source } = await receiver.message();
    peer.socket.pause();
    const { list, onError } = failures();
    const text = `SIP/2.0 200 OK\r\nX: ${'x'.repeat(50_000)}\r\n\r\n`;
    await until('the connection given up', () => {
      socket.send(text, source.address, source.port, onError, source.flow);
      return source.flow?.open === false;
    });
    await until('the error at the sender', () => list.length > 0);
    assert.equal(socket.counts.inbound, 0);
  });

  test('fragments of a message that is not finished are counted, pings among them or not', async (t) => {
    const unfinished = new UnfinishedBytes(900_000);
    const { socket, receiver } = await socketAlone(t, { unfinished });
    const peer = await client(t, socket.port);
    peer.socket.send('x'.repeat(300_000), { fin: false });
    peer.socket.ping('abc');
    await until('the first part', () => unfinished.size >= 300_000);
    peer.socket.send('x'.repeat(300_000), { fin: true });
    await receiver.message();
    await until('a finished message', () => unfinished.size < 100);
    peer.socket.send('x'.repeat(500_000), { fin: false });
    const other = await client(t, socket.port);
    other.socket.send('x'.repeat(500_000), { fin: false });
    await until('one that is closed', () => peer.closed || other.closed);
    assert.deepEqual(receiver.dropped, ['too many bytes of unfinished messages']);
  });

  test('a message that is never finished ends the connection, whether pings are answered or not', async (t) => {
    const { socket, receiver } = await socketAlone(t, { pingMs: 100 });
    const peer = await client(t, socket.port);
    peer.write(requestText());
    await receiver.message();
    peer.socket.send('OPTIONS', { fin: false });
    await peer.gone();
    assert.deepEqual(receiver.dropped, ['a message was not completed in time']);
  });

  test('a client that sends nothing, or does not finish its upgrade, is disconnected', async (t) => {
    const { socket, receiver } = await socketAlone(t, { messageMs: 60, handshakeMs: 200 });
    const silent = await client(t, socket.port);
    const slow = await StreamPeer.connect(socket.port);
    slow.write('GET / HTTP/1.1\r\nHost: x\r\n');
    await Promise.all([silent.gone(), slow.gone()]);
    assert.deepEqual(receiver.dropped, ['no message in time']);
  });

  test('malformed upgrades are answered or closed, and the next client is served', async (t) => {
    const { socket, receiver } = await socketAlone(t, { handshakeMs: 300 });
    const upgrade = (headers: string) => `GET / HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
    for (const [bytes, answer] of [
      [upgrade(''), /^HTTP\/1\.1 426 /],
      [upgrade('Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: sip\r\n'), /^HTTP\/1\.1 400 /],
      [
        upgrade(
          'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n',
        ),
        /^HTTP\/1\.1 400 /,
      ],
      [upgrade(`X: ${'x'.repeat(20_000)}\r\n`), /^HTTP\/1\.1 431 /],
      ['OPTIONS sip:x SIP/2.0\r\n\r\n', /^HTTP\/1\.1 400 /],
      ['\x16\x03\x01\x00\xff', /^HTTP\/1\.1 400 /],
    ] as const) {
      const peer = await StreamPeer.connect(socket.port);
      t.after(() => peer.destroy());
      peer.write(bytes);
      await peer.expect(answer);
      peer.socket.end();
      await peer.gone();
    }
    const peer = await client(t, socket.port);
    peer.write(requestText());
    await receiver.message();
    assert.equal(socket.counts.inbound, 1);
  });

  test('closing sends close frames and does not wait for the peers', async (t) => {
    const { socket } = await socketAlone(t);
    const peer = await client(t, socket.port);
    const slow = await StreamPeer.connect(socket.port);
    const started = performance.now();
    await socket.close();
    await Promise.all([peer.gone(), slow.gone()]);
    assert.equal(peer.closeCode, 1001);
    assert.ok(performance.now() - started < 2000);
  });
});

function fragments(peer: WsPeer, count: number): void {
  const piece = 'x'.repeat(MAX_WS_MESSAGE_BYTES / 16);
  for (let i = 0; i < count; i++) peer.socket.send(piece, { fin: false, binary: false }, () => {});
}
