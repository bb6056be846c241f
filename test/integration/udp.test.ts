import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { UdpSocket } from '../../src/sip/transport/udp.js';
import { startDaemonHere } from '../support/daemon-in-process.js';
import { DatagramPeer } from '../support/datagram-peer.js';
import { freePort, freePorts } from '../support/ports.js';
import { parsed, replyTo, requestText, withoutToken } from '../support/sip-recorder.js';
import { dialogHeaders, finalReply, StreamGateway } from '../support/stream-endpoints.js';
import { failures, RecordingReceiver, StreamPeer } from '../support/stream-peer.js';
import { until } from '../support/until.js';

const rule = (set: number, match: object = {}) => ({
  match,
  select: { set, alg: 8, flags: 'f' },
  relay: 'stateful',
  failover: { codes: ['408', '503'] },
  record_route: true,
});

type Row = readonly [setId: number, uri: string, socket?: string];

async function daemonWith(t: TestContext, rows: readonly Row[], settings: object) {
  const running = await startDaemonHere(rows, { tm: { fr_timeout: 0.4, t1: 50 }, routing: [rule(1)], ...settings });
  t.after(() => running.stop());
  return running;
}

async function peerAt(t: TestContext, host = '127.0.0.1'): Promise<DatagramPeer> {
  const peer = await DatagramPeer.open(host);
  t.after(() => peer.close());
  return peer;
}

/** A UDP gateway that answers every request with 200. */
async function gatewayAt(t: TestContext, host = '127.0.0.1'): Promise<DatagramPeer> {
  const peer = await peerAt(t, host);
  peer.onMessage = (text, { address, port }) => {
    if (text.startsWith('SIP/') || text.startsWith('ACK')) return;
    const literal = host.includes(':') ? `[${host}]` : host;
    void peer.send(replyTo(text, 200, 'gw', dialogHeaders(parsed(text), `sip:${literal}:${peer.port}`)), port, address);
  };
  return peer;
}

let calls = 0;
/** A new INVITE. */
function invite(parts: Parameters<typeof requestText>[0] = {}): string {
  const n = ++calls;
  return requestText({ callId: `udp-${n}`, via: `SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKu${n};rport`, ...parts });
}

describe('SIP over UDP', () => {
  test('replies go to the source port if Via has rport, else to the port of sent-by', async (t) => {
    const far = await gatewayAt(t);
    const { port } = await daemonWith(t, [[1, `sip:127.0.0.1:${far.port}`]], {});
    const [caller, listener] = [await peerAt(t), await peerAt(t)];
    await caller.send(invite(), port, '127.0.0.1');
    const { text } = await caller.expect(/^SIP\/2\.0 200 /);
    assert.match(text, new RegExp(`^Via: .*;rport=${caller.port};received=127.0.0.1`, 'm'));
    const via = `SIP/2.0/UDP 10.9.9.9:${listener.port};branch=z9hG4bKnoRport`;
    await caller.send(invite({ via, callId: 'other' }), port, '127.0.0.1');
    const other = await listener.expect(/^SIP\/2\.0 200 /);
    assert.match(other.text, /^Via: .*;received=127\.0\.0\.1/m);
    assert.equal(caller.received.filter((each) => each.text.includes('Call-ID: other')).length, 0);
  });

  test('an IPv6 address has brackets in Via and Record-Route, and none in received', async (t) => {
    const far = await gatewayAt(t, '::1');
    const listen = ['udp:[::1]:0', 'udp:127.0.0.1:0'];
    const { port } = await daemonWith(t, [[1, `sip:[::1]:${far.port}`]], { listen });
    const caller = await peerAt(t, '::1');
    await caller.send(invite({ via: 'SIP/2.0/UDP [2001:db8::1]:5062;branch=z9hG4bKv6;rport' }), port, '::1');
    const reply = await caller.expect(/^SIP\/2\.0 200 /);
    assert.match(reply.text, new RegExp(`;rport=${caller.port};received=::1`));
    const { text } = await far.expect(/^INVITE/);
    assert.match(text, new RegExp(`^Via: SIP/2.0/UDP \\[::1\\]:${port};branch`, 'm'));
    assert.match(text, new RegExp(`^Record-Route: <sip:\\[::1\\]:${port};lr;dt=[\\w-]{28}>`, 'm'));
  });

  test('from IPv4 to IPv6 both sides get a route they can use', async (t) => {
    const far = await gatewayAt(t, '::1');
    const listen = ['udp:127.0.0.1:0', 'udp:[::1]:0'];
    const { port, daemon } = await daemonWith(t, [[1, `sip:[::1]:${far.port}`]], { listen });
    const caller = await peerAt(t);
    await caller.send(invite(), port, '127.0.0.1');
    await caller.expect(/^SIP\/2\.0 200 /);
    const { text } = await far.expect(/^INVITE/);
    const routes = [...text.matchAll(/^Record-Route: <sip:(.*);r2=on;lr;dt=[\w-]{28}>/gm)].map((match) => match[1]);
    assert.deepEqual(routes, [daemon.sockets.all[1]?.sentBy, daemon.sockets.all[0]?.sentBy]);
  });

  test('requests to a destination leave by its socket, with the address that the socket advertises', async (t) => {
    const [a, b, c, d] = (await freePorts(4)) as [number, number, number, number];
    const gateways = [await gatewayAt(t), await gatewayAt(t), await gatewayAt(t), await StreamGateway.open()] as const;
    t.after(() => gateways[3].close());
    const uri = (i: 0 | 1 | 2) => `sip:127.0.0.1:${gateways[i].port}`;
    await daemonWith(
      t,
      [
        [1, uri(0), `udp:127.0.0.1:${a}`],
        [2, uri(1), `udp:127.0.0.1:${b}`],
        [3, uri(2)],
        // The socket determines the transport.
        [4, `sip:127.0.0.1:${gateways[3].port}`, `tcp:127.0.0.1:${d}`],
      ],
      {
        listen: [
          `udp:127.0.0.1:${a}`,
          `udp:127.0.0.1:${b} as 203.0.113.7:5070`,
          `udp:127.0.0.1:${c} as sip.example.com`,
          `tcp:127.0.0.1:${d}`,
        ],
        routing: [1, 2, 3, 4].map((set) => rule(set, { $rU: `set${set}` })),
      },
    );
    const caller = await peerAt(t);
    for (const set of [1, 2, 3, 4]) await caller.send(invite({ uri: `sip:set${set}@example.com` }), c, '127.0.0.1');
    const sent = await Promise.all([0, 1, 2].map((i) => (gateways[i] as DatagramPeer).expect(/^INVITE/)));
    assert.deepEqual(
      sent.map(({ port }) => port),
      [a, b, c],
    );
    assert.deepEqual(
      sent.map(({ text }) => /^Via: SIP\/2\.0\/UDP ([^;]+);/m.exec(text)?.[1]),
      [`127.0.0.1:${a}`, '203.0.113.7:5070', `sip.example.com:${c}`],
    );
    assert.match(sent[1]?.text ?? '', /^Record-Route: <sip:203\.0\.113\.7:5070;r2=on;lr;dt=[\w-]{28}>/m);
    assert.match((await gateways[3].request('INVITE')).text, /^Via: SIP\/2\.0\/TCP /m);
  });

  test('in-dialog requests come back to an advertised address', async (t) => {
    const far = await gatewayAt(t);
    const port = await freePort();
    const listen = [`udp:127.0.0.1:${port} as 203.0.113.7:5070`];
    await daemonWith(t, [[1, `sip:127.0.0.1:${far.port}`]], { listen });
    const caller = await peerAt(t);
    const first = invite();
    await caller.send(first, port, '127.0.0.1');
    const { text } = await caller.expect(/^SIP\/2\.0 200 /);
    const route = /^Record-Route: (.*)$/m.exec(text)?.[1];
    assert.equal(withoutToken(route ?? ''), '<sip:203.0.113.7:5070;lr>');
    const bye = invite({
      method: 'BYE',
      uri: `sip:127.0.0.1:${far.port}`,
      toTag: 'gw',
      headers: `Route: ${route}\r\n`,
    });
    await caller.send(bye, port, '127.0.0.1');
    const received = await far.expect(/^BYE/);
    assert.doesNotMatch(received.text, /^Route:/m);
  });

  test('a request too large for a datagram fails at once at that destination', async (t) => {
    const small = await gatewayAt(t);
    const large = await StreamGateway.open();
    t.after(() => large.close());
    const { daemon, errors } = await daemonWith(
      t,
      [
        [1, `sip:127.0.0.1:${small.port}`],
        [1, large.uri()],
      ],
      { listen: ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0'], tm: { fr_timeout: 5, t1: 50 } },
    );
    const tcp = await StreamPeer.connect(daemon.sockets.all[1]?.port ?? 0);
    t.after(() => tcp.destroy());
    const started = performance.now();
    tcp.write(invite({ body: 'x'.repeat(70_000), via: 'SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKbig' }));
    assert.equal((await finalReply(tcp)).status, 200);
    assert.ok(performance.now() - started < 4000);
    assert.equal((await large.request('INVITE')).text.length > 70_000, true);
    assert.deepEqual([small.received, errors], [[], []]);
  });

  test('a closed port or an invalid port does not disturb other calls', async (t) => {
    const far = await gatewayAt(t);
    const dead = await freePort();
    const { port, errors } = await daemonWith(
      t,
      [
        [1, `sip:127.0.0.1:${dead}`],
        [1, `sip:127.0.0.1:${far.port}`],
      ],
      {},
    );
    const caller = await peerAt(t);
    // A reply to port 0 cannot be sent, and no error can be reported.
    await caller.send(invite({ via: 'SIP/2.0/UDP 127.0.0.1:0;branch=z9hG4bKzero' }), port, '127.0.0.1');
    for (let i = 0; i < 20; i++) await caller.send(invite(), port, '127.0.0.1');
    await until('calls', () => caller.received.filter(({ text }) => text.startsWith('SIP/2.0 200')).length === 20);
    assert.deepEqual(errors, []);
  });

  describe('the socket alone', () => {
    async function socketAlone(t: TestContext) {
      const receiver = new RecordingReceiver();
      const socket = new UdpSocket({ address: '127.0.0.1', port: 0, description: 'udp:127.0.0.1:0' }, receiver);
      await socket.open();
      t.after(() => socket.close());
      return { socket, receiver };
    }

    test('every error is reported later, through the callback, and the socket stays usable', async (t) => {
      const { socket, receiver } = await socketAlone(t);
      const peer = await peerAt(t);
      const { list, onError } = failures();
      const impossible = [
        ['x'.repeat(65_508), '127.0.0.1', peer.port],
        ['x', '127.0.0.1', 0],
        ['x', '127.0.0.1', 65_536],
        ['x', '::1', peer.port],
        ['x', '255.255.255.255', peer.port],
      ] as const;
      for (const [i, [text, address, port]] of impossible.entries()) {
        socket.send(text, address, port, onError);
        socket.send(text, address, port);
        assert.equal(list.length, i);
        await until(`the error for ${address}:${port}`, () => list.length === i + 1);
      }
      assert.ok(list.every(({ cause, message }) => cause === 'send' && message !== ''));
      for (let i = 0; i < 50; i++) socket.send('x', '127.0.0.1', await freePort());
      socket.send('hello', '127.0.0.1', peer.port);
      await peer.expect(/^hello$/);
      await peer.send('back', socket.port, '127.0.0.1');
      assert.equal((await receiver.message()).text, 'back');
    });

    test('sending on a closed UDP socket reports an error', async (t) => {
      const { socket } = await socketAlone(t);
      await socket.close();
      await socket.close();
      const { list, onError } = failures();
      socket.send('x', '127.0.0.1', 5060, onError);
      await until('the error', () => list.length === 1);
      assert.equal(list[0]?.message, 'the socket is closed');
    });
  });
});
