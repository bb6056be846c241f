import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamOptions } from '../../../../src/sip/transport/bind.js';
import { MAX_BODY_BYTES, MAX_HEADER_BYTES } from '../../../../src/sip/transport/stream-framing.js';
import { TcpSocket } from '../../../../src/sip/transport/tcp.js';
import { UnfinishedBytes } from '../../../../src/sip/transport/unfinished.js';
import { TrustedSources } from '../../../../src/sip/trusted-sources.js';
import { requestText } from '../../../support/sip-recorder.js';
import {
  failures,
  RecordingReceiver,
  StreamListener,
  StreamPeer,
  StuckListener,
} from '../../../support/stream-peer.js';
import { until } from '../../../support/until.js';

const MESSAGE = requestText({ method: 'OPTIONS' });

async function opened(t: TestContext, more: Partial<StreamOptions> = {}) {
  const receiver = new RecordingReceiver();
  const options = { address: '127.0.0.1', port: 0, description: 'tcp:127.0.0.1:0', ...more };
  const socket = new TcpSocket(options, receiver);
  await socket.open();
  t.after(() => socket.close());
  const connect = async () => {
    const peer = await StreamPeer.connect(socket.port);
    t.after(() => peer.destroy());
    return peer;
  };
  return { receiver, socket, connect };
}

async function listening(t: TestContext, port?: number): Promise<StreamListener> {
  const listener = await StreamListener.open(port);
  t.after(() => listener.close());
  return listener;
}

describe('inbound connections', () => {
  test('a header that is never completed ends the connection in time', async (t) => {
    const { receiver, socket, connect } = await opened(t, { messageMs: 50 });
    const peer = await connect();
    const drip = setInterval(() => peer.write('X'), 5);
    t.after(() => clearInterval(drip));
    await peer.gone();
    assert.deepEqual(receiver.dropped, ['no message in time']);
    assert.equal(socket.counts.inbound, 0);
  });

  test('a header that never ends after a complete message ends the connection too', async (t) => {
    const { receiver, connect } = await opened(t, { messageMs: 500 });
    const peer = await connect();
    peer.write(`${MESSAGE}OPTIONS sip:a`);
    await peer.gone();
    assert.deepEqual([receiver.messages.length, receiver.dropped], [1, ['a message was not completed in time']]);
  });

  test('a busy connection that is always in the middle of a message stays', async (t) => {
    const { receiver, connect } = await opened(t, { messageMs: 600 });
    const peer = await connect();
    // Each write completes a message and begins the next one.
    peer.write(MESSAGE.slice(0, 20));
    const flow = setInterval(() => peer.write(MESSAGE.slice(20) + MESSAGE.slice(0, 20)), 40);
    t.after(() => clearInterval(flow));
    await until('25 messages', () => receiver.messages.length >= 25 || peer.closed);
    assert.deepEqual([peer.closed, receiver.dropped], [false, []]);
  });

  test('a connection without a message is closed, keep-alives or not', async (t) => {
    const { connect } = await opened(t, { messageMs: 500 });
    const [mute, pinging] = [await connect(), await connect()];
    const pings = setInterval(() => pinging.write('\r\n\r\n'), 10);
    t.after(() => clearInterval(pings));
    await Promise.all([mute.gone(), pinging.gone()]);
    assert.match(pinging.received, /^(\r\n)+$/);
  });

  test('a connection without traffic is closed; keep-alives are traffic', async (t) => {
    const { socket, receiver, connect } = await opened(t, { idleMs: 200 });
    const [idle, alive] = [await connect(), await connect()];
    idle.write(MESSAGE);
    alive.write(MESSAGE);
    const pings = setInterval(() => alive.write('\r\n\r\n'), 20);
    t.after(() => clearInterval(pings));
    await receiver.message(1);
    await idle.gone();
    assert.deepEqual([alive.closed, socket.counts.inbound], [false, 1]);
  });

  for (const [what, bytes, reason] of [
    ['a giant header', `OPTIONS sip:a SIP/2.0\r\nX: ${'x'.repeat(MAX_HEADER_BYTES)}`, /header of more than/],
    ['a giant body', MESSAGE.replace('Length: 0', `Length: ${MAX_BODY_BYTES + 1}`), /body of more than/],
    ['another protocol', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n', /not SIP/],
  ] as const) {
    test(`${what} ends the connection`, async (t) => {
      const { receiver, connect } = await opened(t);
      const peer = await connect();
      peer.write(bytes);
      await peer.gone();
      assert.match(receiver.dropped.join(), reason);
      assert.equal(receiver.messages.length, 0);
    });
  }

  test('the memory of all unfinished messages is limited: the connection with the most is closed', async (t) => {
    const unfinished = new UnfinishedBytes(900_000);
    const { receiver, socket, connect } = await opened(t, { unfinished });
    const half = `${MESSAGE.replace('Content-Length: 0', 'Content-Length: 400000')}${'x'.repeat(300_000)}`;
    const peers = [await connect(), await connect(), await connect(), await connect()];
    for (const peer of peers) peer.write(half);
    await until('one that is closed', () => peers.some((peer) => peer.closed));
    await until('two that are left', () => socket.counts.inbound === 2);
    assert.equal(unfinished.size, 2 * half.length);
    assert.deepEqual([...new Set(receiver.dropped)], ['too many bytes of unfinished messages']);
    for (const peer of peers) if (!peer.closed) peer.write('x'.repeat(100_000));
    await until('two messages', () => receiver.messages.length === 2);
    await until('nothing held', () => unfinished.size === 0);
  });

  test('one address cannot use up all connections, unless it is trusted', async (t) => {
    const trusted = new TrustedSources();
    const unfinished = new UnfinishedBytes(undefined, trusted);
    const { socket, connect } = await opened(t, { maxConnections: 18, unfinished });
    for (let i = 0; i < 18; i++) await connect();
    await until('a refusal', () => socket.counts.refused === 1);
    assert.equal(socket.counts.inbound, 17);
    trusted.replace({ has: (address) => address === '127.0.0.1' });
    await connect();
    await until('the last free connection', () => socket.counts.inbound === 18);
  });

  test('inbound connections beyond the bound are refused; outbound ones are not', async (t) => {
    const { socket, connect } = await opened(t, { maxConnections: 3 });
    const far = await listening(t);
    const peers = await Promise.all(Array.from({ length: 8 }, connect));
    await until('five refused', () => peers.filter((each) => each.closed).length === 5);
    const { list, onError } = failures();
    socket.send(MESSAGE, '127.0.0.1', far.port, onError);
    await (await far.peer()).expect(/OPTIONS/);
    assert.deepEqual([socket.counts, list], [{ inbound: 3, outbound: 1, refused: 5 }, []]);
    for (const peer of peers) peer.destroy();
    await until('room again', () => socket.counts.inbound === 0);
    const late = await connect();
    late.write(MESSAGE);
    await until('accepted again', () => socket.counts.inbound === 1);
  });

  test('a peer that sends without reading is no longer read, and uses bounded memory', async (t) => {
    const { socket, receiver, connect } = await opened(t, { maxQueuedBytes: 1 << 20, idleMs: 400 });
    const reply = `SIP/2.0 400 Bad\r\nX: ${'x'.repeat(8000)}\r\nContent-Length: 0\r\n\r\n`;
    receiver.onMessage = (_text, { flow, address, port }) => socket.send(reply, address, port, undefined, flow);
    const peer = await connect();
    peer.socket.pause();
    const burst = MESSAGE.repeat(50);
    const flood = setInterval(() => peer.write(burst), 1);
    t.after(() => clearInterval(flood));
    // Since it is not read, the connection times out as idle.
    await until('the connection given up', () => socket.counts.inbound === 0, { milliseconds: 20_000 });
    const bytes = receiver.messages.length * reply.length;
    assert.ok(bytes < 64 << 20, `${bytes} bytes of replies`);
  });

  test('a flood of keep-alives whose answers are not read is bounded', async (t) => {
    const { receiver, connect } = await opened(t);
    const peer = await connect();
    peer.write(MESSAGE);
    const { source } = await receiver.message();
    peer.socket.pause();
    const writable = (source.flow as unknown as { socket: { writableLength: number } }).socket;
    for (let i = 0; i < 200; i++) {
      peer.write('\r\n\r\n'.repeat(16_384));
      await new Promise((resolve) => setImmediate(resolve));
    }
    peer.write(MESSAGE);
    await receiver.message(1);
    assert.ok(writable.writableLength <= 1 << 17, `${writable.writableLength} bytes wait`);
  });
});

describe('a message without Content-Length', () => {
  const bare = MESSAGE.replace('Content-Length: 0\r\n', '');
  const cases: readonly [string, string][] = [
    [bare, MESSAGE],
    // What stands in a body is no header, and the body may be another message.
    [`${bare}${MESSAGE}`, MESSAGE.replace('Length: 0\r\n', `Length: ${MESSAGE.length}\r\n`) + MESSAGE],
    [bare.replace('CSeq', 'l : 0\r\nCSeq'), bare.replace('CSeq', 'l : 0\r\nCSeq')],
    [bare.replace('CSeq', 'CONTENT-LENGTH:\r\n 0\r\nCSeq'), bare.replace('CSeq', 'CONTENT-LENGTH:\r\n 0\r\nCSeq')],
  ];

  test('is forwarded with one, so that the peer does not read its body as another message', async (t) => {
    const { socket } = await opened(t);
    const listener = await listening(t);
    let expected = '';
    for (const [text, sent] of cases) {
      socket.send(text, '127.0.0.1', listener.port, undefined);
      expected += sent;
    }
    const peer = await listener.peer();
    await until('the messages', () => peer.received.length >= expected.length);
    assert.equal(peer.received, expected);
  });
});

describe('outbound connections', () => {
  test("one connection serves all requests to a destination and accepts the peer's requests", async (t) => {
    const { socket, receiver } = await opened(t);
    const far = await listening(t);
    for (let i = 0; i < 20; i++) socket.send(MESSAGE, '127.0.0.1', far.port, undefined);
    const peer = await far.peer();
    await until('all requests', () => peer.received.length === 20 * MESSAGE.length);
    peer.write(MESSAGE);
    const { source } = await receiver.message();
    assert.deepEqual([source.address, source.port, far.peers.length], ['127.0.0.1', far.port, 1]);
    socket.send(MESSAGE, '192.0.2.9', 9, undefined, source.flow);
    await until('a reply by the flow', () => peer.received.length === 21 * MESSAGE.length);
    assert.deepEqual(socket.findFlow(source.flow?.id ?? '')?.flow, source.flow);
  });

  test('refused, or unanswered in time: every waiting sender gets one error, asynchronously', async (t) => {
    const { socket } = await opened(t, { connectMs: 60 });
    const far = await StreamListener.open();
    const { port } = far;
    await far.close();
    const refused = failures();
    for (let i = 0; i < 5; i++) socket.send(MESSAGE, '127.0.0.1', port, refused.onError);
    assert.equal(refused.list.length, 0);
    await until('refusals', () => refused.list.length === 5);
    assert.ok(refused.list.every((each) => each.cause === 'refused'));
    assert.equal(socket.counts.outbound, 0);
  });

  test('calls to a gateway that does not answer share one attempt, of limited time and size', async (t) => {
    const { socket } = await opened(t, { connectMs: 300, maxQueuedBytes: 20 * MESSAGE.length });
    const stuck = await StuckListener.open();
    t.after(() => stuck.close());
    const { list, onError } = failures();
    for (let i = 0; i < 200; i++) socket.send(MESSAGE, '127.0.0.1', stuck.port, onError);
    assert.equal(socket.counts.outbound, 1);
    await until('all errors', () => list.length === 200);
    assert.deepEqual([...new Set(list.map((each) => each.cause))].sort(), ['send', 'timeout']);
    assert.equal(list.filter((each) => each.cause === 'timeout').length, 20);
    assert.equal(socket.counts.outbound, 0);
  });

  test('a dead connection reports an error for each message it did not carry', async (t) => {
    const { socket, receiver } = await opened(t);
    const far = await listening(t);
    const first = failures();
    socket.send(MESSAGE, '127.0.0.1', far.port, first.onError);
    const peer = await far.peer();
    await peer.expect(/OPTIONS/);
    peer.write('SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n');
    const second = failures();
    await receiver.message();
    socket.send(MESSAGE, '127.0.0.1', far.port, second.onError);
    await peer.expect(/OPTIONS/);
    peer.socket.resetAndDestroy();
    await until('the failure', () => second.list.length === 1);
    assert.deepEqual([first.list.length, second.list[0]?.cause, second.list[0]?.stale], [0, 'refused', true]);
    socket.send(MESSAGE, '127.0.0.1', far.port, second.onError);
    await (await far.peer(1)).expect(/OPTIONS/);
  });

  test('closing flushes written data', async (t) => {
    const { socket } = await opened(t);
    const far = await listening(t);
    socket.send(MESSAGE, '127.0.0.1', far.port, undefined);
    const peer = await far.peer();
    await peer.expect(/OPTIONS/);
    peer.write(MESSAGE.repeat(100));
    socket.send(requestText({ method: 'MESSAGE', body: 'x'.repeat(100_000) }), '127.0.0.1', far.port, undefined);
    await socket.close();
    await peer.gone();
    await until('the whole message', () => peer.received.endsWith('xxx'));
    assert.equal(peer.error, undefined);
  });
});

describe('RFC 5923 alias', () => {
  const register = (sentBy: string, alias = ';alias') =>
    requestText({ method: 'OPTIONS', via: `SIP/2.0/TCP ${sentBy}${alias};branch=z9hG4bKa` });

  test('is ignored over TCP without TLS, since others may share the address', async (t) => {
    const { socket, receiver, connect } = await opened(t);
    const peer = await connect();
    peer.write(register('127.0.0.1:5099'));
    await receiver.message();
    const { list, onError } = failures();
    socket.send(MESSAGE, '127.0.0.1', 5099, onError);
    await until('the refusal', () => list.length === 1);
    assert.equal(peer.received, '');
  });

  /** A socket with authenticated peers, as over TLS. */
  const proven = async (t: TestContext) => {
    const all = await opened(t);
    Object.assign(all.socket, { trusted: () => true });
    return all;
  };

  test('makes requests to the sent-by of a peer with a certificate use its connection', async (t) => {
    const { socket, receiver, connect } = await proven(t);
    const peer = await connect();
    peer.write(register('127.0.0.1:5099'));
    await receiver.message();
    const { list, onError } = failures();
    socket.send(requestText({ method: 'INVITE' }), '127.0.0.1', 5099, onError, undefined, 'gw.example');
    await peer.expect(/INVITE/);
    peer.destroy();
    await until('the failure of the unanswered request', () => list.length === 1);
    // The name is removed with the connection: nobody listens at that port now.
    socket.send(requestText({ method: 'INVITE' }), '127.0.0.1', 5099, onError);
    await until('refused', () => list.length === 2);
    assert.equal(list[1]?.cause, 'refused');
  });

  for (const [why, sentBy, alias] of [
    ['sent-by is another address', '127.0.0.2:5099', ';alias'],
    ['sent-by is a name', 'gw.example:5099', ';alias'],
    ['nobody asked', '127.0.0.1:5099', ';x-alias'],
  ] as const) {
    test(`is not used when ${why}`, async (t) => {
      const { socket, receiver, connect } = await proven(t);
      const peer = await connect();
      peer.write(register(sentBy, alias));
      await receiver.message();
      const { list, onError } = failures();
      for (const host of ['127.0.0.1', '127.0.0.2']) socket.send(MESSAGE, host, 5099, onError);
      await until('refusals', () => list.length === 2);
      assert.equal(peer.received, '');
    });
  }

  test('gives a connection a limited number of names', async (t) => {
    const { socket, receiver, connect } = await proven(t);
    const peer = await connect();
    for (let i = 0; i < 50; i++) peer.write(register(`127.0.0.1:${4000 + i}`));
    const { source } = await receiver.message(49);
    const { connections } = socket as unknown as { connections: { namesOf(flow: unknown): readonly string[] } };
    const names = connections.namesOf(source.flow).length;
    assert.ok(names > 1 && names <= 5, `${names} names`);
    assert.equal(socket.counts.inbound, 1);
  });
});

describe('a peer that ends its side (half close)', () => {
  test('gets the replies to its requests, then the connection ends', async (t) => {
    const { socket, receiver, connect } = await opened(t);
    const peer = await connect();
    peer.socket.end(requestText({ method: 'OPTIONS' }));
    const { source } = await receiver.message();
    await sleep(50);
    for (const status of [100, 200]) {
      const reply = `SIP/2.0 ${status} X\r\nContent-Length: 0\r\n\r\n`;
      socket.send(reply, source.address, source.port, undefined, source.flow);
    }
    await peer.expect(/200 X/);
    await peer.gone();
    assert.equal(peer.error, undefined);
    await until('the end', () => socket.counts.inbound === 0);
  });

  test('with half a message, or nothing asked, the connection ends at once', async (t) => {
    const { socket, connect } = await opened(t);
    for (const text of ['', 'OPTIONS sip:a SIP/2.0\r\n']) {
      const peer = await connect();
      peer.socket.end(text);
      await peer.gone();
    }
    await until('the end', () => socket.counts.inbound === 0);
  });
});
