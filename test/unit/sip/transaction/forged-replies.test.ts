import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InviteClient } from '../../../../src/sip/transaction/client.js';
import type { Flow } from '../../../../src/sip/transport/transport.js';
import {
  layerFixture,
  parsed,
  RecordingSocket,
  replyTo,
  requestText,
  sourceOf,
} from '../../../support/sip-recorder.js';

const GATEWAY = '192.0.2.7';

/** A request sent to a gateway, and the reply codes that its sender received. */
function sent(options: { method?: string; transport?: 'udp' | 'tcp' | 'tls'; strict?: boolean } = {}) {
  const fixture = layerFixture({ strictReplySource: options.strict ?? false });
  const { method = 'INVITE', transport = 'udp' } = options;
  const socket = new RecordingSocket(fixture.clock, transport);
  const branch = fixture.layer.branches.make('loop', 'call-1@example.org');
  const text = requestText({
    method,
    via: `SIP/2.0/${transport.toUpperCase()} 127.0.0.1:5060;branch=${branch.text};rport, SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKup`,
  });
  const received: number[] = [];
  const target = { socket, address: GATEWAY, port: 5060, serverName: undefined };
  const client = fixture.layer.request(text, method === 'INVITE', branch, target, {
    onReply: (_client, reply) => received.push(reply.status),
    onFailure: () => {},
  });
  return { ...fixture, socket, branch, text, received, client };
}

describe('a reply is accepted only if it matches the sent request (RFC 3261 sections 17.1.3 and 18.1.2)', () => {
  const LIES: Readonly<Record<string, (reply: string, branch: string) => string>> = {
    'another end of the branch': (reply, branch) => reply.replace(branch, `${branch.slice(0, -1)}X`),
    'more after the branch': (reply, branch) => reply.replace(branch, `${branch}x`),
    'less of the branch': (reply, branch) => reply.replace(branch, branch.slice(0, -1)),
    'another letter case of the branch': (reply, branch) => reply.replace(branch, branch.toUpperCase()),
    'random digits changed': (reply, branch) => {
      const digits = branch.lastIndexOf('.') - 5;
      const other = branch[digits] === '0' ? '1' : '0';
      return reply.replace(branch, branch.slice(0, digits) + other + branch.slice(digits + 1));
    },
    'another method in CSeq': (reply) => reply.replace(/CSeq: 1 \w+/, 'CSeq: 1 OPTIONS'),
    'another Call-ID': (reply) => reply.replace('Call-ID: call-1@', 'Call-ID: call-2@'),
    'a sent-by host that is not ours': (reply) => reply.replace('127.0.0.1:5060', '127.0.0.2:5060'),
    'a sent-by port that is not ours': (reply) => reply.replace('127.0.0.1:5060', '127.0.0.1:5062'),
  };
  for (const method of ['INVITE', 'BYE']) {
    for (const [what, lie] of Object.entries(LIES)) {
      test(`${what} in a reply to ${method}: dropped`, () => {
        const { layer, socket, branch, text, received, counters } = sent({ method });
        for (const status of [180, 200, 404])
          layer.receive(lie(replyTo(text, status), branch.text), sourceOf(socket, GATEWAY));
        assert.deepEqual(received, []);
        layer.receive(replyTo(text, 200), sourceOf(socket, GATEWAY));
        assert.deepEqual(received, [200]);
        assert.ok(counters.forgedReplies.value <= 3);
      });
    }
  }

  test('a sent-by without its default port is the same', () => {
    const { layer, text, received, socket } = sent({ method: 'OPTIONS' });
    layer.receive(replyTo(text, 200).replace('127.0.0.1:5060', '127.0.0.1'), sourceOf(socket, GATEWAY));
    assert.deepEqual(received, [200]);
  });

  test('a reply by another transport is dropped', () => {
    const { layer, clock, text, received, counters } = sent({ transport: 'tls' });
    layer.receive(replyTo(text, 200), sourceOf(new RecordingSocket(clock, 'udp'), GATEWAY));
    layer.receive(replyTo(text, 200), sourceOf(new RecordingSocket(clock, 'tcp'), GATEWAY));
    assert.deepEqual([received, counters.forgedReplies.value], [[], 2]);
  });

  test('a reply by another connection is dropped while the one of its request is open', () => {
    const { layer, text, received, socket, client } = sent({ transport: 'tcp' });
    const own: Flow & { open: boolean } = { id: 'own', open: true };
    client.connection = own;
    const other: Flow = { id: 'other', open: true };
    layer.receive(replyTo(text, 180), sourceOf(socket, GATEWAY, 5060, other));
    assert.deepEqual(received, []);
    layer.receive(replyTo(text, 180), sourceOf(socket, GATEWAY, 5060, own));
    own.open = false;
    layer.receive(replyTo(text, 486), sourceOf(socket, '192.0.2.99', 5060, other));
    assert.deepEqual(received, [180]);
    layer.receive(replyTo(text, 200), sourceOf(socket, GATEWAY, 4321, other));
    assert.deepEqual(received, [180, 200]);
  });

  test('over UDP another source address is accepted and counted, with strict_reply_source dropped', () => {
    for (const strict of [false, true]) {
      const { layer, text, received, socket, counters } = sent({ strict });
      layer.receive(replyTo(text, 180), sourceOf(socket, '192.0.2.8'));
      layer.receive(replyTo(text, 180), sourceOf(socket, GATEWAY, 1234));
      assert.deepEqual(received, strict ? [180] : [180, 180]);
      assert.equal(counters.repliesFromElsewhere.value, 1);
    }
  });

  test('a repeated 2xx of an answered call is checked as well', () => {
    const { layer, socket, text, recorded, branch } = sent();
    const server = layer.serve(parsed(requestText({ branch: 'z9hG4bKup' })), sourceOf(socket));
    const taken = replyTo(text, 200);
    layer.receive(taken, sourceOf(socket, GATEWAY));
    for (const client of clientsOf(layer)) if (client instanceof InviteClient) client.takenBy(server);
    const passed = () => recorded.filter((each) => each.kind === 'success').length;
    for (const lie of [LIES['random digits changed'], LIES['another Call-ID']]) {
      layer.receive(lie?.(taken, branch.text) ?? '', sourceOf(socket, GATEWAY));
    }
    assert.equal(passed(), 0);
    layer.receive(taken, sourceOf(socket, GATEWAY));
    assert.equal(passed(), 1);
  });
});

function clientsOf(layer: object): Iterable<unknown> {
  return (layer as { clients: { values(): Iterable<unknown> } }).clients.values();
}

test('the next branch cannot be guessed from a branch', () => {
  const { layer } = layerFixture();
  const digits = Array.from({ length: 200 }, () =>
    layer.branches.make('x', 'c').text.slice(layer.branches.prefix.length).slice(0, 24),
  );
  assert.ok(digits.every((each) => /^[0-9a-v]{24}$/.test(each)));
});
