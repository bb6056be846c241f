import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClientFailure } from '../../../../src/sip/transaction/client.js';
import type { NonInviteClient } from '../../../../src/sip/transaction/non-invite-client.js';
import { layerFixture, type RecordingSocket, replyTo, requestText, sourceOf } from '../../../support/sip-recorder.js';

function options(transport: 'udp' | 'tcp' = 'udp', timeoutMs = 32_000) {
  const fixture = layerFixture();
  const socket: RecordingSocket = fixture[transport];
  const replies: number[] = [];
  const failures: ClientFailure[] = [];
  const branch = fixture.layer.branches.make('x', 'call-1@example.org');
  const text = requestText({
    method: 'OPTIONS',
    via: `SIP/2.0/${transport.toUpperCase()} 127.0.0.1:5060;branch=${branch.text}`,
  });
  const target = { socket, address: '192.0.2.7', port: 5060, serverName: undefined };
  const user = {
    onReply: (_client: unknown, reply: { status: number }) => replies.push(reply.status),
    onFailure: (_client: unknown, failure: ClientFailure) => failures.push(failure),
  };
  const client = fixture.layer.request(text, false, branch, target, user, undefined, timeoutMs) as NonInviteClient;
  const answer = (status: number) => fixture.layer.receive(replyTo(text, status), sourceOf(socket, '192.0.2.7'));
  const times = () => socket.sent.map((each) => Math.floor(each.at / 20) * 20);
  return { ...fixture, socket, client, replies, failures, answer, times };
}

describe('non-INVITE client transaction (RFC 3261 section 17.1.2)', () => {
  test('timer E doubles up to T2, and timer F ends the transaction', () => {
    const { clock, times, failures, layer } = options();
    clock.advance(31_990);
    // Each timer of the wheel may be up to two ticks late.
    const wanted = [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    const seen = times();
    assert.equal(seen.length, wanted.length);
    for (const [i, at] of wanted.entries()) assert.ok(Math.abs((seen[i] as number) - at) <= 20 * (i + 1), `${seen}`);
    assert.equal(failures.length, 0);
    clock.advance(50);
    assert.deepEqual(
      failures.map((each) => each.kind),
      ['timeout'],
    );
    assert.equal(layer.size, 0);
  });

  test('after a provisional reply timer E is T2', () => {
    const { clock, times, answer, replies } = options();
    clock.advance(100);
    answer(100);
    clock.advance(9000);
    const seen = times();
    assert.equal(seen.length, 4);
    for (const [i, at] of [0, 500, 4500, 8500].entries())
      assert.ok(Math.abs((seen[i] as number) - at) <= 40, `${seen}`);
    assert.deepEqual(replies, [100]);
  });

  test('requestOnce() sends once by UDP; a late reply is handled, and silence ends it', () => {
    const { layer, udp, clock } = layerFixture();
    const seen: (number | string)[] = [];
    const user = {
      onReply: (_client: unknown, reply: { status: number }) => seen.push(reply.status),
      onFailure: (_client: unknown, failure: ClientFailure) => seen.push(failure.kind),
    };
    const send = (): string => {
      const branch = layer.branches.make('x', 'call-1@example.org');
      const text = requestText({ method: 'OPTIONS', via: `SIP/2.0/UDP 127.0.0.1:5060;branch=${branch.text}` });
      layer.requestOnce(
        text,
        branch,
        { socket: udp, address: '192.0.2.7', port: 5060, serverName: undefined },
        user,
        8000,
      );
      return text;
    };
    const text = send();
    clock.advance(7000);
    layer.receive(replyTo(text, 200), sourceOf(udp, '192.0.2.7'));
    send();
    clock.advance(8100);
    assert.deepEqual([udp.sent.length, seen], [2, [200, 'timeout']]);
  });

  test('over a reliable transport there is no retransmission, and the transaction ends with the final reply', () => {
    const { clock, times, answer, layer, replies } = options('tcp');
    clock.advance(20_000);
    assert.deepEqual(times(), [0]);
    answer(200);
    assert.deepEqual([layer.size, replies], [0, [200]]);
  });

  test('timer F ends the transaction also over a reliable transport', () => {
    const { clock, failures, layer, times } = options('tcp', 2000);
    clock.advance(2030);
    assert.deepEqual([failures.length, layer.size, times()], [1, 0, [0]]);
  });

  test('repeated final replies are absorbed for T4 (timer K)', () => {
    const { clock, answer, replies, layer, recorded } = options();
    answer(200);
    answer(200);
    clock.advance(4900);
    answer(404);
    assert.deepEqual([replies, layer.size], [[200], 1]);
    clock.advance(150);
    assert.equal(layer.size, 0);
    answer(200);
    assert.deepEqual(
      recorded.map((each) => each.kind),
      ['stray'],
    );
  });

  test('an abandoned non-INVITE client transaction reports nothing', () => {
    const { clock, client, answer, replies, failures, layer, times } = options();
    client.abandon();
    answer(200);
    clock.advance(40_000);
    assert.deepEqual([replies, failures, layer.size, times()], [[], [], 0, [0]]);
  });

  test('a connection that broke after earlier requests is replaced once', () => {
    const { socket, failures, answer, times } = options('tcp');
    socket.sent[0]?.fail({ cause: 'refused', message: 'connection closed', stale: true });
    assert.deepEqual([times().length, failures.length], [2, 0]);
    assert.equal(socket.sent[1]?.text, socket.sent[0]?.text);
    socket.sent[1]?.fail({ cause: 'refused', message: 'connection closed', stale: true });
    assert.deepEqual([times().length, failures[0]?.kind], [2, 'transport']);
    const received = options('tcp');
    received.answer(100);
    received.socket.sent[0]?.fail({ cause: 'refused', message: 'connection closed', stale: true });
    assert.deepEqual([received.times().length, received.failures.length], [1, 1]);
    answer(200);
  });

  test('a transport error is reported once', () => {
    const { socket, failures, layer } = options();
    socket.sent[0]?.fail({ cause: 'send', message: 'no' });
    socket.sent[0]?.fail({ cause: 'send', message: 'no' });
    assert.deepEqual([failures.length, failures[0]?.kind, layer.size], [1, 'transport', 0]);
  });
});
