import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { InviteClient } from '../../../../src/sip/transaction/client.js';
import { TrustedSources } from '../../../../src/sip/trusted-sources.js';
import { layerFixture, parsed, type Recorded, replyTo, requestText, sourceOf } from '../../../support/sip-recorder.js';

type Fixture = ReturnType<typeof layerFixture>;

function kinds(recorded: readonly Recorded[]): string[] {
  return recorded.map((each) => ('message' in each ? `${each.kind} ${each.message.method}` : each.kind));
}

function receive({ layer, udp }: Fixture, text: string, address?: string): void {
  layer.receive(text, sourceOf(udp, address));
}

describe('matching (RFC 3261 section 17.2.3)', () => {
  test('branch, sent-by and method identify a transaction', () => {
    const fixture = layerFixture();
    const { layer, recorded, udp } = fixture;
    layer.serve(parsed(requestText({ method: 'OPTIONS' })), sourceOf(udp));
    receive(fixture, requestText({ method: 'OPTIONS' }));
    assert.equal(recorded.length, 0);
    receive(fixture, requestText({ method: 'MESSAGE' }));
    receive(fixture, requestText({ method: 'OPTIONS', branch: 'z9hG4bKother' }));
    receive(fixture, requestText({ method: 'OPTIONS', via: 'SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bKcaller1' }));
    assert.deepEqual(kinds(recorded), ['request MESSAGE', 'request OPTIONS', 'request OPTIONS']);
  });

  for (const [what, via] of [
    ['no branch', 'SIP/2.0/UDP old.example.com'],
    ['a branch without the cookie', 'SIP/2.0/UDP old.example.com;branch=1'],
    ['nothing but the cookie', 'SIP/2.0/UDP old.example.com;branch=z9hG4bK'],
  ] as const) {
    test(`${what}: compared as RFC 2543 did`, () => {
      const fixture = layerFixture();
      const { layer, recorded, udp } = fixture;
      const server = layer.serve(parsed(requestText({ via })), sourceOf(udp));
      receive(fixture, requestText({ via }));
      assert.equal(recorded.length, 0);
      for (const other of [{ callId: 'c2' }, { fromTag: 'f2' }, { cseq: 2 }, { uri: 'sip:other@example.com' }]) {
        receive(fixture, requestText({ via, ...other }));
      }
      assert.equal(recorded.length, 4);
      server.replyWith(486, 'Busy');
      assert.equal(udp.lines.length, 1);
      receive(fixture, requestText({ via, method: 'ACK', toTag: parsed(udp.sent[0]?.text ?? '').toTag }));
      assert.equal(server.state, 'confirmed');
      assert.equal(recorded.length, 4);
    });
  }

  test('replies are matched to their client transaction by branch, and those to a CANCEL to its own', () => {
    const fixture = layerFixture();
    const { layer, udp, recorded } = fixture;
    const branch = layer.branches.make('x', 'call-1@example.org');
    const text = requestText({ via: `SIP/2.0/UDP 127.0.0.1:5060;branch=${branch.text}` });
    const seen: number[] = [];
    layer.request(
      text,
      true,
      branch,
      { socket: udp, address: '192.0.2.7', port: 5060, serverName: undefined },
      {
        onReply: (_client, reply) => seen.push(reply.status),
        onFailure() {},
      },
    );
    receive(fixture, replyTo(text.replace(/INVITE/g, 'CANCEL'), 200));
    assert.deepEqual([seen, kinds(recorded)], [[], ['stray CANCEL']]);
    receive(fixture, replyTo(requestText({ branch: `${branch}x` }), 180));
    receive(fixture, replyTo(text, 180));
    assert.deepEqual([seen, kinds(recorded)], [[180], ['stray CANCEL', 'stray INVITE']]);
  });
});

describe('CANCEL', () => {
  test('for a known request is answered with 200 and the To tag of our other replies, and reported once', () => {
    const fixture = layerFixture();
    const { layer, udp, recorded } = fixture;
    const server = layer.serve(parsed(requestText()), sourceOf(udp));
    receive(fixture, requestText({ method: 'CANCEL' }));
    receive(fixture, requestText({ method: 'CANCEL' }));
    server.replyWith(487, 'Request Terminated');
    assert.deepEqual([udp.lines, kinds(recorded)], [['200', '200', '487'], ['cancel']]);
    const [first, , last] = udp.take();
    assert.equal(first?.toTag, last?.toTag);
    assert.equal(first?.header('cseq'), '1 CANCEL');
  });

  test('for an unknown request is passed to the user', () => {
    const fixture = layerFixture();
    receive(fixture, requestText({ method: 'CANCEL' }));
    assert.deepEqual(kinds(fixture.recorded), ['request CANCEL']);
  });
});

describe('unusable messages', () => {
  const broken: readonly [string, string, string[]][] = [
    ['a defect', requestText({ headers: 'no colon\r\n' }), ['400']],
    ['another version', requestText().replace('SIP/2.0\r\n', 'SIP/7.0\r\n'), ['505']],
    ['a request line without end', requestText({ uri: `sip:${'a'.repeat(9000)}` }), ['414']],
    ['no From, To, Call-ID, CSeq', 'OPTIONS sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\r\n', ['400']],
    ['a defective ACK', requestText({ method: 'ACK', headers: 'no colon\r\n' }), []],
    ['a Via that cannot be read', requestText({ via: 'nonsense' }), ['400']],
    ['no Via', requestText().replace(/Via: .*\r\n/, ''), []],
    [
      'a reply with a defect',
      `SIP/2.0 200 OK\r\n${requestText({ headers: 'x\r\n' }).split('\r\n').slice(1).join('\r\n')}`,
      [],
    ],
    ['no SIP at all', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', []],
    ['bytes', '\x00\x01\x02\xff', []],
    ['keep-alives', '\r\n\r\n', []],
    ['an empty datagram', '', []],
  ];
  for (const [what, text, answers] of broken) {
    test(`${what}: ${answers.join() || 'no answer'}`, () => {
      const fixture = layerFixture();
      receive(fixture, text);
      assert.deepEqual([fixture.udp.lines, fixture.recorded, fixture.layer.size, fixture.errors], [answers, [], 0, []]);
    });
  }

  test('refused and dropped messages are counted, keep-alives are not', () => {
    const fixture = layerFixture();
    for (const [, text] of broken) receive(fixture, text);
    const { badRequests, dropped } = fixture.counters;
    assert.deepEqual([badRequests.value, dropped.value], [5, 5]);
  });

  test('a malformed message of a stream is answered if it has the fields that a reply needs', () => {
    const head = requestText({ via: 'SIP/2.0/TCP h;branch=z9hG4bK1' });
    for (const [text, answers] of [
      [head, ['413']],
      [head.replace(/To: .*\r\n/, ''), []],
      [requestText({ method: 'ACK' }), []],
      [replyTo(head, 200), []],
      ['garbage\r\n\r\n', []],
    ] as const) {
      const fixture = layerFixture();
      fixture.layer.refused(text, 413, 'a body without end', sourceOf(fixture.udp));
      assert.deepEqual([fixture.udp.lines, fixture.recorded, fixture.layer.size], [answers, [], 0]);
      const { badRequests, dropped } = fixture.counters;
      assert.deepEqual([badRequests.value, dropped.value], [answers.length, 1 - answers.length]);
    }
  });

  test('an error of the application does not affect the socket', () => {
    const fixture = layerFixture();
    fixture.layer.attach({
      ...fixture.user,
      onRequest() {
        throw new Error('bug');
      },
    });
    receive(fixture, requestText());
    assert.equal(fixture.errors.length, 1);
  });
});

describe('overload', () => {
  test('beyond the bound requests get 503 statelessly; ACK, CANCEL and copies are accepted', () => {
    const fixture = layerFixture({ maxTransactions: 2 });
    const { layer, udp, recorded, clock } = fixture;
    layer.serve(parsed(requestText()), sourceOf(udp));
    layer.serve(parsed(requestText({ branch: 'z9hG4bK2' })), sourceOf(udp));
    receive(fixture, requestText({ branch: 'z9hG4bK3' }));
    assert.deepEqual([udp.lines, recorded.length, layer.size], [['503'], 0, 2]);
    const refusal = udp.take()[0];
    assert.equal(refusal?.header('retry-after'), '5');
    receive(fixture, requestText({ branch: 'z9hG4bK3', method: 'ACK', toTag: refusal?.toTag ?? '' }));
    assert.equal(recorded.length, 0, 'the ACK of a reply without state goes nowhere');
    receive(fixture, requestText({ branch: 'z9hG4bK2', method: 'CANCEL' }));
    assert.deepEqual([udp.lines, kinds(recorded)], [['200'], ['cancel']]);
    receive(fixture, requestText({ branch: 'z9hG4bKx', method: 'ACK', toTag: 'callee' }));
    assert.deepEqual(kinds(recorded), ['cancel', 'ack ACK']);
    assert.equal(fixture.counters.overload.value, 1);
    clock.advance(33_000);
    assert.equal(layer.size, 2);
  });
});

test('requests within dialogs may use an eighth more transactions, so that calls can end', () => {
  const fixture = layerFixture({ maxTransactions: 8 });
  const { layer, udp, recorded } = fixture;
  for (let i = 0; i < 8; i++) {
    layer.serve(parsed(requestText({ branch: `z9hG4bK${i}` })), sourceOf(udp, `192.0.2.${i + 100}`));
  }
  receive(fixture, requestText({ branch: 'z9hG4bKa' }));
  receive(fixture, requestText({ branch: 'z9hG4bKb', method: 'BYE', toTag: 'x' }));
  assert.deepEqual([udp.lines, kinds(recorded)], [['503'], ['request BYE']]);
  layer.serve(parsed(requestText({ branch: 'z9hG4bKb', method: 'BYE', toTag: 'x' })), sourceOf(udp));
  receive(fixture, requestText({ branch: 'z9hG4bKc', method: 'BYE', toTag: 'x' }));
  assert.deepEqual([udp.lines, fixture.counters.overload.value], [['503', '503'], 2]);
});

describe('shares of the transactions', () => {
  const GREEDY = '192.0.2.66';

  /** Answers the requests that the layer reports, so that a source may have its maximum number. */
  function flooded(count: number, parts: Parameters<typeof requestText>[0] = {}) {
    const trusted = new TrustedSources();
    const fixture = layerFixture({ maxTransactions: 900 }, { trusted });
    const { layer, udp } = fixture;
    const send = (n: number, address: string, more = parts) => {
      const before = fixture.recorded.length;
      receive(fixture, requestText({ branch: `z9hG4bK${address}-${n}`, ...more }), address);
      const last = fixture.recorded.at(-1);
      if (fixture.recorded.length === before || last?.kind !== 'request') return false;
      layer.serve(last.message, sourceOf(udp, address));
      return true;
    };
    let taken = 0;
    for (let n = 0; n < count; n++) if (send(n, GREEDY)) taken++;
    return { ...fixture, trusted, send, taken };
  }

  test('one source gets eight ninths; other sources, and requests that end calls, get the rest', () => {
    const { taken, send, layer, counters, udp } = flooded(2000);
    assert.deepEqual([taken, counters.overload.value, counters.share.value], [801, 0, 1199]);
    assert.match(udp.sent.at(-1)?.text ?? '', /^SIP\/2\.0 503 [\s\S]*Retry-After: /);
    assert.equal(send(0, '192.0.2.1'), true);
    assert.equal(send(2001, GREEDY), false);
    assert.equal(send(2002, GREEDY, { method: 'BYE', toTag: 'x' }), true);
    assert.deepEqual([layer.load, layer.sources], [803, 2]);
  });

  test('requests with an invented To tag leave transactions for the calls of others', () => {
    const { taken, send } = flooded(2000, { method: 'BYE', toTag: 'x' });
    assert.ok(taken > 801 && taken < 850, `${taken}`);
    assert.equal(send(0, '192.0.2.1', {}), true);
  });

  test('a trusted source is limited by the bound only', () => {
    const fixture = flooded(2000);
    fixture.trusted.replace({ has: (address) => address === GREEDY });
    for (let n = 3000; n < 3200; n++) fixture.send(n, GREEDY);
    assert.deepEqual([fixture.layer.load, fixture.counters.overload.value], [900, 101]);
  });

  test('large messages count more while they are stored', () => {
    const { send, layer, clock, recorded } = flooded(0);
    const body = 'x'.repeat(60_000);
    let taken = 0;
    for (let n = 0; n < 100; n++) if (send(n, GREEDY, { method: 'MESSAGE', body })) taken++;
    assert.ok(taken < 30, `${taken} of 60 KB each`);
    assert.ok(layer.load >= 800 && layer.size < 30, `${layer.load} for ${layer.size}`);
    for (const server of layer.pending()) server.replyWith(404, 'Not Found');
    assert.deepEqual([layer.load, layer.size], [taken, taken]);
    assert.equal(recorded.length, taken);
    clock.advance(64 * 500 + 1000);
    assert.deepEqual([layer.load, layer.sources], [0, 0]);
  });

  test('when memory is nearly used up, unacknowledged failures are sent once', () => {
    const { send, layer, clock } = flooded(0);
    for (let n = 0; n < 700; n++) send(n, GREEDY);
    for (const server of layer.pending()) server.replyWith(404, 'Not Found');
    assert.deepEqual([layer.size, layer.tight], [700, true]);
    clock.advance(600);
    assert.deepEqual([layer.size, layer.tight], [675, false]);
  });

  test('when transactions are nearly used up, ended ones are removed after T4', () => {
    const { send, layer, clock } = flooded(0);
    for (let n = 0; n < 700; n++) send(n, GREEDY, { method: 'OPTIONS' });
    for (const server of layer.pending()) server.replyWith(404, 'Not Found');
    send(700, GREEDY);
    assert.equal(layer.size, 701, 'not before');
    clock.advance(5500);
    for (let n = 701; n < 706; n++) assert.equal(send(n, GREEDY), true);
    assert.equal(layer.size, 706 - 5 * 3);
  });

  test('under congestion the layer refuses new requests, and does not read those of the busiest sources', () => {
    const congestion = {
      active: true,
      drops: (_text: string, from: string) => from === '192.0.2.2',
      refuses: () => true,
    };
    const fixture = layerFixture({}, { congestion });
    const { udp, recorded, counters } = fixture;
    receive(fixture, requestText({ branch: 'z9hG4bK1' }));
    receive(fixture, requestText({ branch: 'z9hG4bK2', method: 'BYE', toTag: 'x' }));
    receive(fixture, requestText({ branch: 'z9hG4bK3' }), '192.0.2.2');
    assert.deepEqual([udp.lines, kinds(recorded), counters.dropped.value], [['503'], ['request BYE'], 1]);
    assert.match(udp.sent[0]?.text ?? '', /^Retry-After: 5\r$/m);
  });

  test('all counts return to zero, however a transaction ends', () => {
    const { layer, udp, clock } = layerFixture();
    const body = 'x'.repeat(5000);
    const serve = (n: number, method: string) =>
      layer.serve(parsed(requestText({ branch: `z9hG4bK${n}`, method, body })), sourceOf(udp, '2001:db8::1'));
    serve(1, 'INVITE').replyWith(200, 'OK');
    serve(2, 'INVITE').replyWith(486, 'Busy Here');
    serve(3, 'INVITE').fallSilent();
    serve(4, 'INVITE').abandon();
    serve(5, 'OPTIONS').replyWith(200, 'OK');
    serve(6, 'OPTIONS').fallSilent();
    serve(7, 'OPTIONS').abandon();
    serve(8, 'INVITE');
    assert.deepEqual([layer.load, layer.sources], [8, 1]);
    for (const server of layer.pending()) server.abandon();
    clock.advance(64 * 500 + 5000);
    assert.deepEqual([layer.size, layer.load, layer.sources], [0, 0, 0]);
  });
});

test('branches differ, begin with the cookie, and name their process', () => {
  const { layer } = layerFixture();
  const branches = new Set(Array.from({ length: 1000 }, () => layer.branches.make('h', 'c').text));
  assert.equal(branches.size, 1000);
  for (const branch of branches) assert.ok(branch.startsWith('z9hG4bK') && branch.startsWith(layer.branches.prefix));
});

test('after stop no transaction is left and no timer fires', () => {
  const fixture = layerFixture();
  const { layer, udp, clock } = fixture;
  layer.serve(parsed(requestText()), sourceOf(udp)).replyWith(486, 'Busy');
  layer.stop();
  clock.advance(60_000);
  assert.deepEqual([layer.size, udp.lines], [0, ['486']]);
});

describe('a call that was accepted (RFC 6026)', () => {
  test('a copy of its 2xx is forwarded for 64*T1, and a failure absorbed; later replies match no transaction', () => {
    const fixture = layerFixture();
    const { layer, recorded, udp, clock } = fixture;
    const server = layer.serve(parsed(requestText({ method: 'INVITE' })), sourceOf(udp, '192.0.2.77'));
    const branch = layer.branches.make('x', 'call-1@example.org');
    const sent = requestText({ method: 'INVITE', via: `SIP/2.0/UDP 127.0.0.1:5060;branch=${branch.text}` });
    const client = layer.request(
      sent,
      true,
      branch,
      { socket: udp, address: '192.0.2.7', port: 5060, serverName: undefined },
      {
        onReply: (each, reply) => {
          if (reply.status < 300) (each as InviteClient).takenBy(server);
        },
        onFailure: () => assert.fail('no failure'),
      },
    );
    assert.equal(client.invite, true);
    const ok = replyTo(sent, 200);
    receive(fixture, ok);
    server.reply(ok, 200);
    assert.deepEqual([layer.serverCount, layer.clientCount, recorded], [1, 1, []]);
    receive(fixture, ok);
    receive(fixture, replyTo(sent, 486));
    assert.deepEqual(kinds(recorded), ['success']);
    const [success] = recorded.splice(0);
    if (success?.kind !== 'success') assert.fail('no success');
    udp.take();
    success.pass('SIP/2.0 200 OK\r\n\r\n');
    assert.deepEqual(
      udp.sent.map(({ address, port }) => [address, port]),
      [['192.0.2.77', 5060]],
    );
    clock.advance(32_300);
    assert.equal(layer.size, 0);
    receive(fixture, ok);
    assert.deepEqual(kinds(recorded), ['stray INVITE']);
  });

  test('a CANCEL after the final reply is answered with 200 and changes nothing', () => {
    const fixture = layerFixture();
    const { layer, recorded, udp } = fixture;
    const server = layer.serve(parsed(requestText({ method: 'INVITE' })), sourceOf(udp));
    server.replyWith(200, 'OK');
    receive(fixture, requestText({ method: 'CANCEL' }));
    assert.deepEqual(udp.lines, ['200', '200']);
    assert.deepEqual(recorded, [{ kind: 'cancel', server: undefined }]);
  });
});
