import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextIteration } from 'node:timers/promises';
import type { ClientFailure } from '../../../../src/sip/transaction/client.js';
import type { Flow } from '../../../../src/sip/transport/transport.js';
import { layerFixture, RecordingSocket, replyTo, requestText, sourceOf } from '../../../support/sip-recorder.js';

const GATEWAY = '192.0.2.7';

function sent(method: string, transport: 'udp' | 'tcp' = 'udp') {
  const fixture = layerFixture();
  const socket = new RecordingSocket(fixture.clock, transport);
  const branch = fixture.layer.branches.make('loop', 'call-1@example.org');
  const via = `SIP/2.0/${transport.toUpperCase()} 127.0.0.1:5060;branch=${branch.text}, SIP/2.0/UDP up;branch=z9hG4bKup`;
  const text = requestText({ method, via });
  const failures: ClientFailure[] = [];
  const replies: number[] = [];
  const target = { socket, address: GATEWAY, port: 5060, serverName: undefined };
  const client = fixture.layer.request(text, method === 'INVITE', branch, target, {
    onReply: (_client, reply) => replies.push(reply.status),
    onFailure: (_client, failure) => failures.push(failure),
  });
  return { ...fixture, socket, text, client, failures, replies };
}

describe('ICMP says that a datagram did not arrive (RFC 3261 section 18.4)', () => {
  for (const method of ['INVITE', 'OPTIONS']) {
    test(`${method}: fails at once, identified by the quoted part`, () => {
      const { layer, text, failures } = sent(method);
      layer.undelivered(text.slice(0, 500), GATEWAY, 5060);
      assert.deepEqual(
        failures.map((each) => [each.kind, each.cause, each.provisional]),
        [['transport', 'refused', false]],
      );
      assert.equal(layer.clientCount, 0);
    });
  }

  test('does not fail for another address, another branch, or another datagram', () => {
    const { layer, text, failures } = sent('INVITE');
    layer.undelivered(text, '192.0.2.8', 5060);
    layer.undelivered(text, GATEWAY, 5061);
    layer.undelivered(text.replace(/(branch=\S*)loop/, '$1loo'), GATEWAY, 5060);
    layer.undelivered(text.replace('INVITE', 'CANCEL'), GATEWAY, 5060);
    for (const other of ['', 'INVITE', requestText(), text.slice(0, 60)]) layer.undelivered(other, GATEWAY, 5060);
    assert.deepEqual(failures, []);
  });

  test('does not fail after the gateway has replied', () => {
    const { layer, text, failures, socket } = sent('INVITE');
    layer.receive(replyTo(text, 180), sourceOf(socket, GATEWAY));
    layer.undelivered(text, GATEWAY, 5060);
    assert.deepEqual(failures, []);
  });
});

describe('the connection of a request is reset', () => {
  test('after a provisional reply the request fails at once', async () => {
    const { layer, text, client, failures, socket, clock } = sent('INVITE', 'tcp');
    const flow: Flow = { id: 'f', open: true };
    client.connection = flow;
    layer.receive(replyTo(text, 180), sourceOf(socket, GATEWAY, 5060, flow));
    layer.connectionBroken({ id: 'other', open: true });
    await nextIteration();
    assert.equal(failures.length, 0);
    layer.connectionBroken(flow);
    await nextIteration();
    assert.deepEqual(
      failures.map((each) => [each.kind, each.cause, each.provisional]),
      [['transport', 'refused', true]],
    );
    clock.advance(300_000);
    assert.deepEqual([failures.length, layer.clientCount], [1, 0]);
  });

  test('an unanswered request fails by the error of sending', async () => {
    const { layer, client, failures } = sent('INVITE', 'tcp');
    const flow: Flow = { id: 'f', open: true };
    client.connection = flow;
    layer.connectionBroken(flow);
    await nextIteration();
    assert.deepEqual(failures, []);
  });
});
