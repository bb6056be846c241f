import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { MAX_BODY_BYTES, MAX_HEADER_BYTES } from '../../src/sip/transport/stream-framing.js';
import { startDaemonHere } from '../support/daemon-in-process.js';
import { DatagramPeer } from '../support/datagram-peer.js';
import { parsed, replyTo, requestText, withoutToken } from '../support/sip-recorder.js';
import { dialogHeaders, finalReply, routeSet, StreamGateway } from '../support/stream-endpoints.js';
import { StreamListener, StreamPeer } from '../support/stream-peer.js';
import { until } from '../support/until.js';

async function daemonWith(t: TestContext, uri: string, settings: object = {}) {
  const running = await startDaemonHere([[1, uri]], {
    listen: ['tcp:127.0.0.1:0', 'udp:127.0.0.1:0'],
    tm: { fr_timeout: 2, t1: 50 },
    routing: [{ select: { set: 1, alg: 8, flags: 'f' }, relay: 'stateful', record_route: true }],
    ...settings,
  });
  t.after(() => running.stop());
  return running;
}

async function peerAt(t: TestContext, port: number): Promise<StreamPeer> {
  const peer = await StreamPeer.connect(port);
  t.after(() => peer.destroy());
  return peer;
}

async function gatewayAt(t: TestContext): Promise<StreamGateway> {
  const gateway = await StreamGateway.open();
  t.after(() => gateway.close());
  return gateway;
}

async function datagramGateway(t: TestContext): Promise<DatagramPeer> {
  const gateway = await DatagramPeer.open();
  t.after(() => gateway.close());
  return gateway;
}

let calls = 0;
/** A new request, as written by a client behind a NAT. */
function request(parts: Parameters<typeof requestText>[0] = {}): string {
  const n = ++calls;
  return requestText({ callId: `tcp-${n}`, via: `SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKt${n}`, ...parts });
}

describe('SIP over TCP', () => {
  const options = request({ method: 'OPTIONS' });
  for (const [what, text, code] of [
    ['no Content-Length', options.replace(/Content-Length: 0\r\n/, ''), 400],
    ['a negative Content-Length', options.replace('Length: 0', 'Length: -1'), 400],
    ['a Content-Length that is not a number', options.replace('Length: 0', 'Length: many'), 400],
    ['two Content-Lengths that differ', request({ method: 'OPTIONS', headers: 'l: 7\r\n' }), 400],
    ['a body beyond the bound', options.replace('Length: 0', `Length: ${MAX_BODY_BYTES + 1}`), 413],
    ['headers beyond the bound', request({ headers: `X: ${'x'.repeat(2 * MAX_HEADER_BYTES)}\r\n` }), 513],
  ] as const) {
    test(`${what}: ${code}, and the connection is closed`, async (t) => {
      const far = await gatewayAt(t);
      const { port, errors } = await daemonWith(t, far.uri());
      const peer = await peerAt(t, port);
      peer.write(request({ method: 'OPTIONS' }));
      assert.equal((await finalReply(peer)).status, 200);
      // Bytes after it are not parsed.
      peer.write(`${text}${options}`);
      assert.equal((await finalReply(peer)).status, code);
      await peer.gone();
      assert.equal(peer.received, '');
      assert.deepEqual([far.count('OPTIONS'), errors], [1, []]);
    });
  }

  test('requests of one connection are answered over it, in the order in which their answers arrive', async (t) => {
    const far = await datagramGateway(t);
    const { port } = await daemonWith(t, `sip:127.0.0.1:${far.port}`);
    const peer = await peerAt(t, port);
    peer.write(['one', 'two', 'three'].map((callId) => request({ method: 'MESSAGE', callId })).join(''));
    await far.expect(/Call-ID: three/);
    const answer = async (callId: string) => {
      const { text, address, port: from } = await far.expect(new RegExp(`Call-ID: ${callId}\r`));
      await far.send(replyTo(text, 202), from, address);
    };
    const ids: string[] = [];
    for (const callId of ['three', 'one', 'two']) {
      await answer(callId);
      ids.push((await finalReply(peer)).callId);
    }
    assert.deepEqual(ids, ['three', 'one', 'two']);
  });

  test('the answer to a request whose connection was closed goes to its sent-by over a new connection', async (t) => {
    const far = await datagramGateway(t);
    const { port, daemon } = await daemonWith(t, `sip:127.0.0.1:${far.port}`);
    const listener = await StreamListener.open();
    t.after(() => listener.close());
    const peer = await peerAt(t, port);
    peer.write(request({ via: `SIP/2.0/TCP caller.invalid:${listener.port};branch=z9hG4bKgone;rport` }));
    const invite = await far.expect(/^INVITE/);
    peer.destroy();
    await until('the end of the connection', () => daemon.sockets.all[0]?.counts?.inbound === 0);
    await far.send(replyTo(invite.text, 180), invite.port, invite.address);
    const back = await listener.peer();
    await back.expect(/^SIP\/2\.0 180 /);
    await far.send(replyTo(invite.text, 200), invite.port, invite.address);
    await back.expect(/SIP\/2\.0 200 /);
    assert.equal(listener.peers.length, 1);
  });

  test('stateless relaying answers over the connection, whatever the Via says', async (t) => {
    const far = await datagramGateway(t);
    const { port } = await daemonWith(t, `sip:127.0.0.1:${far.port}`, {
      routing: [{ select: { set: 1, alg: 8 }, relay: 'stateless' }],
    });
    const peer = await peerAt(t, port);
    peer.write(request({ via: 'SIP/2.0/TCP caller.invalid;branch=z9hG4bKless' }));
    const invite = await far.expect(/^INVITE/);
    await far.send(replyTo(invite.text, 404), invite.port, invite.address);
    await peer.expect(/^SIP\/2\.0 404 /);
  });

  test('between TCP and UDP each side gets a Record-Route that it can use', async (t) => {
    const far = await datagramGateway(t);
    const { port, daemon } = await daemonWith(t, `sip:127.0.0.1:${far.port}`);
    const udpPort = daemon.sockets.all[1]?.port ?? 0;
    const listener = await StreamListener.open();
    t.after(() => listener.close());
    const peer = await peerAt(t, port);
    const contact = `sip:alice@127.0.0.1:${listener.port};transport=tcp`;
    peer.write(request({ callId: 'both', headers: `Contact: <${contact}>\r\n` }));
    const invite = await far.expect(/^INVITE/);
    const record = parsed(invite.text);
    assert.deepEqual(record.headers('record-route').map(withoutToken), [
      `<sip:127.0.0.1:${udpPort};r2=on;lr>`,
      `<sip:127.0.0.1:${port};transport=tcp;r2=on;lr>`,
    ]);
    const headers = dialogHeaders(record, `sip:bob@127.0.0.1:${far.port}`);
    await far.send(replyTo(invite.text, 200, 'gw', headers), invite.port, invite.address);
    const reply = await finalReply(peer);
    peer.write(
      request({
        method: 'ACK',
        callId: 'both',
        uri: `sip:bob@127.0.0.1:${far.port}`,
        toTag: 'gw',
        headers: routeSet(reply),
      }),
    );
    const ack = parsed((await far.expect(/^ACK/)).text);
    assert.deepEqual([ack.headerCount('route'), ack.via?.port], [0, udpPort]);
    // The gateway hangs up: its route set is in the order of the INVITE.
    const routes = [0, 1].map((i) => `Route: ${record.header('record-route', i)}\r\n`).join('');
    const bye = requestText({
      method: 'BYE',
      callId: 'both',
      uri: contact,
      via: `SIP/2.0/UDP 127.0.0.1:${far.port};branch=z9hG4bKbye`,
      fromTag: 'gw',
      toTag: 'a1',
      headers: routes,
    });
    await far.send(bye, udpPort, '127.0.0.1');
    const caller = await listener.peer();
    const [text] = await caller.expect(/^BYE [\s\S]*?\r\n\r\n/);
    assert.equal(parsed(text).headerCount('route'), 0);
    assert.match(text, new RegExp(`^Via: SIP/2\\.0/TCP 127\\.0\\.0\\.1:${port};`, 'm'));
    caller.write(replyTo(text, 200));
    await far.expect(/^SIP\/2\.0 200 [\s\S]*BYE/);
  });

  test('a body of a megabyte is forwarded unchanged', async (t) => {
    const far = await gatewayAt(t);
    const { port } = await daemonWith(t, far.uri());
    const peer = await peerAt(t, port);
    const body = Array.from({ length: 1 << 20 }, (_, i) => String.fromCharCode((i * 7) & 255)).join('');
    peer.write(request({ method: 'MESSAGE', body, headers: 'Content-Type: application/octet-stream\r\n' }));
    assert.equal((await finalReply(peer)).status, 200);
    assert.ok((await far.request('MESSAGE')).body === body);
  });

  for (const [what, broken] of [
    ['a reply without Content-Length', (reply: string) => reply.replace(/Content-Length: 0\r\n/, '')],
    ['an answer that is not SIP', () => 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ] as const) {
    test(`${what} from a gateway ends the connection, and the request fails at once, before and after 100`, async (t) => {
      const far = await gatewayAt(t);
      const { port } = await daemonWith(t, far.uri(), { tm: { fr_timeout: 60 } });
      const peer = await peerAt(t, port);
      for (const [n, provisional] of [false, true, false].entries()) {
        peer.write(request({ method: 'OPTIONS' }));
        assert.equal((await finalReply(peer)).status, 200);
        const connection = far.sockets[n];
        connection?.removeAllListeners('data');
        connection?.once('data', (data: Buffer) => {
          const text = data.toString('latin1');
          connection.write(`${provisional ? replyTo(text, 100) : ''}${broken(replyTo(text, 200))}`);
        });
        peer.write(request({ method: n === 2 ? 'OPTIONS' : 'INVITE' }));
        assert.equal((await finalReply(peer)).status, 500);
      }
    });
  }

  test('a gateway that was restarted since the last call gets the next one over a new connection', async (t) => {
    const far = await gatewayAt(t);
    const { port } = await daemonWith(t, far.uri());
    const peer = await peerAt(t, port);
    peer.write(request({ method: 'OPTIONS' }));
    assert.equal((await finalReply(peer)).status, 200);
    // Like a machine that was restarted: its first segment on the old connection is answered with RST.
    const [old] = far.sockets;
    old?.removeAllListeners('data');
    old?.once('data', () => old.resetAndDestroy());
    peer.write(request({ method: 'OPTIONS' }));
    assert.equal((await finalReply(peer)).status, 200);
    assert.deepEqual([far.sockets.length, far.count('OPTIONS')], [2, 2]);
  });

  test('a request too large for UDP goes by TCP; where TCP is refused by UDP, at once and the next time', async (t) => {
    const far = await datagramGateway(t);
    const { daemon } = await daemonWith(t, `sip:127.0.0.1:${far.port}`);
    const caller = await DatagramPeer.open();
    t.after(() => caller.close());
    const udpPort = daemon.sockets.all[1]?.port ?? 0;
    far.onMessage = (text, { address, port }) => void far.send(replyTo(text, 200), port, address);
    const large = (n: number) =>
      requestText({
        method: 'MESSAGE',
        callId: `large-${n}`,
        via: `SIP/2.0/UDP 127.0.0.1:${caller.port};branch=z9hG4bKl${n};rport`,
        body: 'x'.repeat(60_000),
      });
    for (const n of [1, 2]) {
      await caller.send(large(n), udpPort, '127.0.0.1');
      await caller.expect(new RegExp(`^SIP/2\\.0 200 [\\s\\S]*Call-ID: large-${n}\r`));
    }
    await until('both by UDP', () => far.received.length >= 2);
    assert.match(far.received[0]?.text ?? '', /^Via: SIP\/2\.0\/UDP /m);
  });
});
