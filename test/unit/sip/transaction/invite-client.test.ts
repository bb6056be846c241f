import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type {
  ClientFailure,
  ClientTransaction,
  ClientUser,
  InviteClient,
  RingTimer,
} from '../../../../src/sip/transaction/client.js';
import {
  layerFixture,
  parsed,
  type RecordingSocket,
  replyTo,
  requestText,
  sourceOf,
} from '../../../support/sip-recorder.js';

/** A sent INVITE, and the events recorded for its user. */
function invite(
  options: {
    transport?: 'udp' | 'tcp';
    headers?: string;
    config?: Parameters<typeof layerFixture>[0];
    ring?: RingTimer;
  } = {},
) {
  const fixture = layerFixture(options.config);
  const socket: RecordingSocket = options.transport === 'tcp' ? fixture.tcp : fixture.udp;
  const replies: number[] = [];
  const failures: ClientFailure[] = [];
  const branch = fixture.layer.branches.make('x', 'call-1@example.org');
  const text = requestText({
    via: `SIP/2.0/${socket.transport.toUpperCase()} 127.0.0.1:5060;branch=${branch.text}, SIP/2.0/UDP caller;branch=z9hG4bKup`,
    ...(options.headers === undefined ? {} : { headers: options.headers }),
  });
  const target = { socket, address: '192.0.2.7', port: 5060, serverName: undefined };
  const user: ClientUser = {
    onReply: (_client: ClientTransaction, reply) => replies.push(reply.status),
    onFailure: (_client, failure) => failures.push(failure),
  };
  const client = fixture.layer.request(
    text,
    true,
    branch,
    target,
    user,
    undefined,
    undefined,
    options.ring,
  ) as InviteClient;
  const answer = (status: number, toTag?: string) =>
    fixture.layer.receive(replyTo(text, status, toTag), sourceOf(socket, '192.0.2.7'));
  const answerCancel = (status: number) =>
    fixture.layer.receive(replyTo(text.replace(/INVITE/g, 'CANCEL'), status), sourceOf(socket, '192.0.2.7'));
  return { ...fixture, socket, client, replies, failures, text, answer, answerCancel };
}

/** Milliseconds at which messages were sent, by start word, rounded down to ticks of the wheel. */
function times(socket: RecordingSocket, word: string): number[] {
  return socket.sent.filter((each) => each.text.startsWith(word)).map((each) => Math.floor(each.at / 20) * 20);
}

describe('INVITE client transaction (RFC 3261 section 17.1.1)', () => {
  test('timer A doubles without limit, and timer B (fr_timeout) ends the transaction', () => {
    const { clock, socket, failures, layer } = invite({ config: { frTimeout: 32_000 } });
    clock.advance(31_990);
    assert.deepEqual(times(socket, 'INVITE'), [0, 500, 1500, 3500, 7500, 15_500, 31_500]);
    assert.equal(failures.length, 0);
    clock.advance(40);
    assert.deepEqual(
      failures.map((each) => [each.kind, each.provisional]),
      [['timeout', false]],
    );
    clock.advance(32_100);
    assert.equal(layer.size, 0);
    assert.equal(times(socket, 'INVITE').length, 7);
  });

  test('an fr_timeout shorter than T1 is kept', () => {
    const { clock, socket, failures } = invite({ config: { frTimeout: 200 } });
    clock.advance(190);
    assert.equal(failures.length, 0);
    clock.advance(40);
    assert.equal(failures.length, 1);
    assert.deepEqual(socket.lines, ['INVITE']);
  });

  test('there is no retransmission over a reliable transport', () => {
    const { clock, socket, failures } = invite({ transport: 'tcp' });
    clock.advance(5040);
    assert.deepEqual(socket.lines, ['INVITE']);
    assert.equal(failures.length, 1);
  });

  test('a provisional reply stops timer A and starts timer C (fr_inv_timeout), after which a CANCEL is sent', () => {
    const { clock, socket, replies, failures, answer, layer } = invite();
    clock.advance(100);
    answer(100);
    clock.advance(119_900);
    assert.deepEqual([socket.lines, replies, failures.length], [['INVITE'], [100], 0]);
    clock.advance(150);
    assert.deepEqual(
      failures.map((each) => [each.kind, each.provisional]),
      [['timeout', true]],
    );
    assert.deepEqual(socket.lines, ['INVITE', 'CANCEL']);
    clock.advance(40_000);
    assert.equal(layer.size, 0);
  });

  test('timer C is restarted by replies above 100, not by a repeated 100', () => {
    const ringing = invite();
    ringing.answer(180);
    ringing.clock.advance(100_000);
    ringing.answer(183);
    ringing.clock.advance(100_000);
    assert.equal(ringing.failures.length, 0);
    const trying = invite();
    trying.answer(100);
    trying.clock.advance(100_000);
    trying.answer(100);
    trying.clock.advance(21_000);
    assert.equal(trying.failures.length, 1);
  });

  test('timer C set for a call is started by the first provisional reply only, and again when its length is changed', () => {
    const ring = { ms: 10_000, left: 10_000, restarts: false };
    const once = invite({ ring });
    once.answer(100);
    once.clock.advance(6000);
    once.answer(180);
    once.clock.advance(4100);
    assert.equal(once.failures.length, 1);
    const timer = { ...ring, ms: 20_000, left: 20_000 };
    const later = invite({ ring: timer });
    later.answer(100);
    later.clock.advance(6000);
    timer.ms = timer.left = 3000;
    later.answer(180);
    later.clock.advance(2900);
    assert.equal(later.failures.length, 0);
    later.clock.advance(200);
    assert.equal(later.failures.length, 1);
  });

  test('the ACK for a failure has request-URI, top Via, Routes, From, Call-ID and CSeq number of the INVITE, and To of the reply', () => {
    const { socket, answer, replies } = invite({
      headers: 'Route: <sip:p1;lr>, <sip:p2;lr>\r\nRoute: <sip:p3>\r\nContact: <sip:x@y>\r\n',
    });
    const sentVia = parsed(socket.sent[0]?.text ?? '').via;
    answer(486, 'callee');
    const ack = parsed(socket.sent[1]?.text ?? '');
    assert.deepEqual(replies, [486]);
    assert.deepEqual([ack.method, ack.requestUri, ack.defect], ['ACK', 'sip:bob@example.com', undefined]);
    assert.deepEqual([ack.via?.branch, ack.headerCount('via'), ack.via?.more], [sentVia?.branch, 1, false]);
    assert.deepEqual([ack.header('route', 0), ack.header('route', 1)], ['<sip:p1;lr>, <sip:p2;lr>', '<sip:p3>']);
    assert.deepEqual([ack.toTag, ack.fromTag, ack.callId, ack.cseqNumber], ['callee', 'a1', 'call-1@example.org', 1]);
    assert.equal(ack.header('contact'), undefined);
  });

  test('a retransmitted failure reply is acknowledged again for 32 s (timer D), and reported once', () => {
    const { socket, answer, replies, clock, layer, recorded } = invite();
    answer(503);
    answer(503);
    clock.advance(31_900);
    answer(503);
    assert.deepEqual([socket.lines, replies], [['INVITE', 'ACK', 'ACK', 'ACK'], [503]]);
    clock.advance(150);
    assert.equal(layer.size, 0);
    answer(503);
    assert.deepEqual(
      recorded.map((each) => each.kind),
      ['stray'],
    );
  });

  test('over a reliable transport the transaction is removed after the ACK', () => {
    const { socket, answer, layer } = invite({ transport: 'tcp' });
    answer(404);
    assert.deepEqual([socket.lines, layer.size], [['INVITE', 'ACK'], 0]);
  });

  test('a 2xx is not acknowledged; further ones are reported for 64*T1 (timer M, RFC 6026)', () => {
    const { socket, answer, replies, clock, layer, recorded } = invite();
    answer(180);
    answer(200);
    answer(200);
    answer(180);
    answer(486);
    assert.deepEqual([socket.lines, replies], [['INVITE'], [180, 200, 200]]);
    clock.advance(31_900);
    answer(200, 'other-fork');
    assert.deepEqual(replies, [180, 200, 200, 200]);
    clock.advance(150);
    answer(200);
    assert.deepEqual([layer.size, recorded.map((each) => each.kind)], [0, ['stray']]);
  });

  test('a transport error is reported once, and the transaction is removed', () => {
    const { socket, failures, layer, clock } = invite();
    socket.sent[0]?.fail({ cause: 'refused', message: 'no' });
    socket.sent[0]?.fail({ cause: 'refused', message: 'no' });
    assert.deepEqual(
      failures.map((each) => [each.kind, each.cause]),
      [['transport', 'refused']],
    );
    assert.equal(layer.size, 0);
    clock.advance(10_000);
    assert.deepEqual(socket.lines, ['INVITE']);
  });
});

describe('CANCEL (RFC 3261 section 9.1)', () => {
  test('is sent after the first provisional reply, not before', () => {
    const { socket, client, answer, clock } = invite();
    client.cancel();
    clock.advance(400);
    assert.deepEqual(socket.lines, ['INVITE']);
    answer(100);
    assert.deepEqual(socket.lines, ['INVITE', 'CANCEL']);
  });

  test('is sent at once after a provisional reply, with the fields of the INVITE', () => {
    const { socket, client, answer } = invite({ headers: 'Route: <sip:p1;lr>\r\nProxy-Require: x\r\n' });
    answer(180);
    client.cancel();
    client.cancel();
    assert.deepEqual(socket.lines, ['INVITE', 'CANCEL']);
    const cancel = parsed(socket.sent[1]?.text ?? '');
    const first = parsed(socket.sent[0]?.text ?? '');
    assert.deepEqual(
      [cancel.requestUri, cancel.via?.branch, cancel.cseqNumber, cancel.header('route'), cancel.to, cancel.from],
      [first.requestUri, first.via?.branch, 1, '<sip:p1;lr>', first.to, first.from],
    );
    assert.deepEqual([cancel.header('proxy-require'), cancel.headerCount('via')], [undefined, 1]);
  });

  test('is retransmitted like any non-INVITE until it is answered', () => {
    const { socket, client, answer, answerCancel, clock } = invite();
    answer(180);
    client.cancel();
    clock.advance(1600);
    assert.deepEqual(times(socket, 'CANCEL'), [0, 500, 1500]);
    answerCancel(200);
    clock.advance(5000);
    assert.equal(times(socket, 'CANCEL').length, 3);
  });

  test('does nothing after a final reply', () => {
    for (const status of [200, 486]) {
      const { socket, client, answer } = invite();
      answer(180);
      answer(status);
      client.cancel();
      assert.ok(!socket.lines.includes('CANCEL'));
    }
  });

  test('the 487 is reported and acknowledged, and the transaction ends', () => {
    const { socket, client, answer, answerCancel, replies, clock, layer } = invite();
    answer(180);
    client.cancel();
    answerCancel(200);
    answer(487);
    assert.deepEqual(
      [replies, socket.lines],
      [
        [180, 487],
        ['INVITE', 'CANCEL', 'ACK'],
      ],
    );
    clock.advance(33_000);
    assert.equal(layer.size, 0);
  });

  test('without a 487 it fails after 64*T1', () => {
    const { client, answer, failures, clock, layer } = invite();
    answer(180);
    client.cancel();
    clock.advance(31_900);
    answer(180);
    assert.equal(failures.length, 0);
    clock.advance(150);
    assert.deepEqual(
      failures.map((each) => each.kind),
      ['timeout'],
    );
    assert.equal(layer.size, 0);
  });

  test('a 2xx that crosses the CANCEL is reported', () => {
    const { client, answer, replies } = invite();
    answer(180);
    client.cancel();
    answer(200);
    assert.deepEqual(replies, [180, 200]);
  });
});

describe('an abandoned branch', () => {
  test('a late provisional reply is cancelled, not reported', () => {
    const { socket, answer, replies, failures, clock, layer } = invite();
    clock.advance(5100);
    assert.equal(failures.length, 1);
    answer(180);
    answer(180);
    assert.deepEqual([replies, socket.lines.filter((each) => each === 'CANCEL').length], [[], 1]);
    answer(487);
    assert.deepEqual(socket.lines.at(-1), 'ACK');
    assert.deepEqual(replies, []);
    clock.advance(33_000);
    assert.equal(layer.size, 0);
  });

  test('a late 2xx of a branch that was given up is reported', () => {
    const { answer, replies, clock } = invite();
    clock.advance(5100);
    answer(200);
    answer(200);
    assert.deepEqual(replies, [200, 200]);
  });

  test('a late failure is acknowledged, not reported', () => {
    const { answer, replies, socket, clock } = invite();
    clock.advance(5100);
    answer(486);
    assert.deepEqual([replies, socket.lines.at(-1)], [[], 'ACK']);
  });
});
