import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ServerTransaction } from '../../../../src/sip/transaction/server.js';
import type { Flow } from '../../../../src/sip/transport/transport.js';
import {
  layerFixture,
  parsed,
  type RecordingSocket,
  type RequestParts,
  requestText,
  sourceOf,
} from '../../../support/sip-recorder.js';

/** A request that was received and handed to the application. */
function serve(parts: RequestParts = {}, options: { transport?: 'udp' | 'tcp'; flow?: Flow; port?: number } = {}) {
  const fixture = layerFixture();
  const socket: RecordingSocket = fixture[options.transport ?? 'udp'];
  const source = sourceOf(socket, '192.0.2.1', options.port ?? 5060, options.flow);
  const receive = (changed: RequestParts = {}) => fixture.layer.receive(requestText({ ...parts, ...changed }), source);
  receive();
  const first = fixture.recorded[0];
  assert.equal(first?.kind, 'request');
  const server: ServerTransaction = fixture.layer.serve(parsed(requestText(parts)), source);
  const times = () => socket.sent.map((each) => Math.floor(each.at / 20) * 20);
  return { ...fixture, socket, receive, server, times };
}

describe('INVITE server transaction (RFC 3261 section 17.2.1, RFC 6026)', () => {
  test('a retransmitted INVITE gets the last provisional reply, and is not passed to the user', () => {
    const { server, receive, socket, recorded } = serve();
    receive();
    assert.deepEqual(socket.lines, []);
    server.replyWith(100, 'Trying');
    receive();
    server.replyWith(180, 'Ringing');
    receive();
    assert.deepEqual(socket.lines, ['100', '100', '180', '180']);
    assert.equal(recorded.length, 1);
  });

  test('a failure is repeated by timer G up to T2 until timer H', () => {
    const { server, times, clock, layer } = serve();
    server.replyWith(486, 'Busy Here');
    assert.equal(layer.unanswered, 0);
    clock.advance(31_900);
    const wanted = [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    const seen = times();
    assert.equal(seen.length, wanted.length, `${seen}`);
    for (const [i, at] of wanted.entries()) assert.ok(Math.abs((seen[i] as number) - at) <= 20 * (i + 1), `${seen}`);
    clock.advance(400);
    assert.equal(layer.size, 0);
  });

  test('the ACK stops timer G; repeated ACKs are absorbed for T4 (timer I)', () => {
    const { server, receive, socket, clock, layer, recorded } = serve();
    server.replyWith(486, 'Busy Here');
    const toTag = parsed(socket.sent[0]?.text ?? '').toTag;
    assert.notEqual(toTag, '');
    receive({ method: 'ACK', toTag });
    clock.advance(4900);
    receive({ method: 'ACK', toTag });
    receive();
    assert.deepEqual([socket.lines, layer.size, recorded.length], [['486'], 1, 1]);
    clock.advance(150);
    assert.equal(layer.size, 0);
    // A late ACK still has our tag: it belongs to no other transaction.
    receive({ method: 'ACK', toTag });
    assert.equal(recorded.length, 1);
  });

  test('over a reliable transport nothing is repeated, and the transaction ends with the ACK', () => {
    const { server, receive, socket, clock, layer } = serve({}, { transport: 'tcp' });
    server.replyWith(486, 'Busy Here');
    clock.advance(20_000);
    assert.deepEqual(socket.lines, ['486']);
    receive({ method: 'ACK', toTag: 'x' });
    assert.equal(layer.size, 0);
  });

  test('after a 2xx INVITEs are absorbed, further 2xx are sent, other replies are not, and its ACK is reported (timer L)', () => {
    const { server, receive, socket, clock, layer, recorded } = serve();
    const ok = 'SIP/2.0 200 OK\r\n\r\n';
    server.reply(ok, 200);
    server.reply(ok, 200);
    server.reply('SIP/2.0 486 Busy\r\n\r\n', 486);
    receive();
    assert.deepEqual(socket.lines, ['200', '200']);
    receive({ method: 'ACK', toTag: 'callee' });
    assert.deepEqual(
      recorded.map((each) => each.kind),
      ['request', 'ack'],
    );
    clock.advance(31_900);
    assert.equal(layer.size, 1);
    clock.advance(150);
    assert.equal(layer.size, 0);
  });

  test('after a final failure reply no other reply is sent', () => {
    const { server, socket } = serve();
    server.replyWith(486, 'Busy');
    server.reply('SIP/2.0 180 Ringing\r\n\r\n', 180);
    server.reply('SIP/2.0 200 OK\r\n\r\n', 200);
    assert.deepEqual(socket.lines, ['486']);
  });

  test('a silenced transaction absorbs retransmissions for 64*T1, then is removed', () => {
    const { server, receive, socket, clock, layer } = serve();
    server.fallSilent();
    server.fallSilent();
    receive();
    assert.deepEqual([socket.lines, layer.unanswered, layer.size], [[], 0, 1]);
    clock.advance(32_100);
    assert.equal(layer.size, 0);
  });
});

describe('non-INVITE server transaction (RFC 3261 section 17.2.2, RFC 4320)', () => {
  test('a retransmission gets no reply before there is one, then the final reply, until timer J', () => {
    const { server, receive, socket, clock, layer } = serve({ method: 'MESSAGE' });
    receive();
    assert.deepEqual(socket.lines, []);
    server.replyWith(202, 'Accepted');
    receive();
    server.replyWith(500, 'no');
    assert.deepEqual(socket.lines, ['202', '202']);
    clock.advance(31_900);
    assert.equal(layer.size, 1);
    clock.advance(150);
    assert.equal(layer.size, 0);
  });

  test('over a reliable transport the transaction is removed with the final reply', () => {
    const { server, layer } = serve({ method: 'MESSAGE' }, { transport: 'tcp' });
    server.replyWith(200, 'OK');
    assert.deepEqual([layer.size, layer.unanswered, layer.timers.size], [0, 0, 0]);
  });

  test('a 100 is sent when timer E of the sender has grown to T2, and not before', () => {
    const { socket, clock, receive, server } = serve({ method: 'MESSAGE' });
    clock.advance(3490);
    assert.deepEqual(socket.lines, []);
    clock.advance(50);
    assert.deepEqual(socket.lines, ['100']);
    receive();
    clock.advance(20_000);
    server.replyWith(200, 'OK');
    assert.deepEqual(socket.lines, ['100', '100', '200']);
  });

  test('a silenced transaction absorbs retransmissions for 64*T1, then is removed', () => {
    const { server, receive, socket, clock, layer } = serve({ method: 'MESSAGE' });
    server.fallSilent();
    receive();
    clock.advance(31_900);
    assert.deepEqual([socket.lines, layer.unanswered, layer.size], [[], 0, 1]);
    clock.advance(150);
    assert.equal(layer.size, 0);
  });
});

describe('where replies go (RFC 3261 section 18.2.2, RFC 3581 section 4)', () => {
  const cases: readonly [string, string, number, 'udp' | 'tcp', boolean | undefined, number][] = [
    ['sent-by port without rport', 'SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1', 4711, 'udp', undefined, 5070],
    ['5060 when sent-by has no port', 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1', 4711, 'udp', undefined, 5060],
    ['source port with rport', 'SIP/2.0/UDP 192.0.2.1:5070;rport;branch=z9hG4bK1', 4711, 'udp', undefined, 4711],
    ['the connection it came in on', 'SIP/2.0/TCP 192.0.2.1:5070;branch=z9hG4bK1', 4711, 'tcp', true, 4711],
    [
      'sent-by port when the connection is gone',
      'SIP/2.0/TCP 192.0.2.1:5070;branch=z9hG4bK1',
      4711,
      'tcp',
      false,
      5070,
    ],
    ['the default port of TLS is not that of TCP', 'SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1', 4711, 'tcp', false, 5060],
  ];
  for (const [title, via, port, transport, open, wanted] of cases) {
    test(title, () => {
      const flow = open === undefined ? undefined : { id: 'f', open };
      const { server, socket } = serve({ via }, { transport, port, ...(flow === undefined ? {} : { flow }) });
      server.replyWith(404, 'Not Found');
      assert.deepEqual([socket.sent[0]?.address, socket.sent[0]?.port], ['192.0.2.1', wanted]);
    });
  }
});
