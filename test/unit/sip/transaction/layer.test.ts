import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { InviteClient } from '../../../../src/sip/transaction/client.js';
import { layerFixture, parsed, replyTo, requestText, sourceOf, type Told } from '../../../support/sip-recorder.js';

type Fixture = ReturnType<typeof layerFixture>;

function kinds(told: readonly Told[]): string[] {
  return told.map((each) => ('message' in each ? `${each.kind} ${each.message.method}` : each.kind));
}

function receive({ layer, udp }: Fixture, text: string, address?: string): void {
  layer.receive(text, sourceOf(udp, address));
}

describe('matching (RFC 3261 section 17.2.3)', () => {
  test('branch, sent-by and method make a transaction', () => {
    const fixture = layerFixture();
    const { layer, told, udp } = fixture;
    layer.serve(parsed(requestText({ method: 'OPTIONS' })), sourceOf(udp));
    receive(fixture, requestText({ method: 'OPTIONS' }));
    assert.equal(told.length, 0);
    receive(fixture, requestText({ method: 'MESSAGE' }));
    receive(fixture, requestText({ method: 'OPTIONS', branch: 'z9hG4bKother' }));
    receive(fixture, requestText({ method: 'OPTIONS', via: 'SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bKcaller1' }));
    assert.deepEqual(kinds(told), ['request MESSAGE', 'request OPTIONS', 'request OPTIONS']);
  });

  for (const [what, via] of [
    ['no branch', 'SIP/2.0/UDP old.example.com'],
    ['a branch without the cookie', 'SIP/2.0/UDP old.example.com;branch=1'],
    ['nothing but the cookie', 'SIP/2.0/UDP old.example.com;branch=z9hG4bK'],
  ] as const) {
    test(`${what}: compared as RFC 2543 did`, () => {
      const fixture = layerFixture();
      const { layer, told, udp } = fixture;
      const server = layer.serve(parsed(requestText({ via })), sourceOf(udp));
      receive(fixture, requestText({ via }));
      assert.equal(told.length, 0);
      for (const other of [{ callId: 'c2' }, { fromTag: 'f2' }, { cseq: 2 }, { uri: 'sip:other@example.com' }]) {
        receive(fixture, requestText({ via, ...other }));
      }
      assert.equal(told.length, 4);
      server.replyWith(486, 'Busy');
      assert.equal(udp.lines.length, 1);
      receive(fixture, requestText({ via, method: 'ACK', toTag: parsed(udp.sent[0]?.text ?? '').toTag }));
      assert.equal(server.state, 'confirmed');
      assert.equal(told.length, 4);
    });
  }

  test('replies find their client by branch, those of CANCEL theirs', () => {
    const fixture = layerFixture();
    const { layer, udp, told } = fixture;
    const branch = layer.newBranch('x');
    const text = requestText({ branch: branch.text });
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
    assert.deepEqual([seen, kinds(told)], [[], ['stray CANCEL']]);
    receive(fixture, replyTo(requestText({ branch: `${branch}x` }), 180));
    receive(fixture, replyTo(text, 180));
    assert.deepEqual([seen, kinds(told)], [[180], ['stray CANCEL', 'stray INVITE']]);
  });
});

describe('CANCEL of a request that is known', () => {
  test('is answered 200 with the To tag of our other replies, and handed up once', () => {
    const fixture = layerFixture();
    const { layer, udp, told } = fixture;
    const server = layer.serve(parsed(requestText()), sourceOf(udp));
    receive(fixture, requestText({ method: 'CANCEL' }));
    receive(fixture, requestText({ method: 'CANCEL' }));
    server.replyWith(487, 'Request Terminated');
    assert.deepEqual([udp.lines, kinds(told)], [['200', '200', '487'], ['cancel']]);
    const [first, , last] = udp.take();
    assert.equal(first?.toTag, last?.toTag);
    assert.equal(first?.header('cseq'), '1 CANCEL');
  });

  test('one that is not known is handed up', () => {
    const fixture = layerFixture();
    receive(fixture, requestText({ method: 'CANCEL' }));
    assert.deepEqual(kinds(fixture.told), ['request CANCEL']);
  });
});

describe('what cannot be processed', () => {
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
      assert.deepEqual([fixture.udp.lines, fixture.told, fixture.layer.size, fixture.errors], [answers, [], 0, []]);
    });
  }

  test('is counted: refused, dropped, and keep-alives not at all', () => {
    const fixture = layerFixture();
    for (const [, text] of broken) receive(fixture, text);
    const { badRequests, dropped } = fixture.counters;
    assert.deepEqual([badRequests.value, dropped.value], [5, 5]);
  });

  test('the head of a message from a stream that cannot be followed is answered where its sender would understand it', () => {
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
      assert.deepEqual([fixture.udp.lines, fixture.told, fixture.layer.size], [answers, [], 0]);
      const { badRequests, dropped } = fixture.counters;
      assert.deepEqual([badRequests.value, dropped.value], [answers.length, 1 - answers.length]);
    }
  });

  test('an error of the application does not reach the socket', () => {
    const fixture = layerFixture();
    fixture.layer.user = {
      ...(fixture.layer.user ?? assert.fail()),
      onRequest() {
        throw new Error('bug');
      },
    };
    receive(fixture, requestText());
    assert.equal(fixture.errors.length, 1);
  });
});

describe('overload', () => {
  test('beyond the bound requests get 503 without state; ACK, CANCEL and copies are taken', () => {
    const fixture = layerFixture({ maxTransactions: 2 });
    const { layer, udp, told, clock } = fixture;
    layer.serve(parsed(requestText()), sourceOf(udp));
    layer.serve(parsed(requestText({ branch: 'z9hG4bK2' })), sourceOf(udp));
    receive(fixture, requestText({ branch: 'z9hG4bK3' }));
    assert.deepEqual([udp.lines, told.length, layer.size], [['503'], 0, 2]);
    const refusal = udp.take()[0];
    assert.equal(refusal?.header('retry-after'), '5');
    receive(fixture, requestText({ branch: 'z9hG4bK3', method: 'ACK', toTag: refusal?.toTag ?? '' }));
    assert.equal(told.length, 0, 'the ACK of a reply without state goes nowhere');
    receive(fixture, requestText({ branch: 'z9hG4bK2', method: 'CANCEL' }));
    assert.deepEqual([udp.lines, kinds(told)], [['200'], ['cancel']]);
    receive(fixture, requestText({ branch: 'z9hG4bKx', method: 'ACK', toTag: 'callee' }));
    assert.deepEqual(kinds(told), ['cancel', 'ack ACK']);
    assert.equal(fixture.counters.overload.value, 1);
    clock.advance(33_000);
    assert.equal(layer.size, 2);
  });
});

test('requests inside dialogs have an eighth more of room: calls must be able to end', () => {
  const fixture = layerFixture({ maxTransactions: 8 });
  const { layer, udp, told } = fixture;
  for (let i = 0; i < 8; i++) layer.serve(parsed(requestText({ branch: `z9hG4bK${i}` })), sourceOf(udp));
  receive(fixture, requestText({ branch: 'z9hG4bKa' }));
  receive(fixture, requestText({ branch: 'z9hG4bKb', method: 'BYE', toTag: 'x' }));
  assert.deepEqual([udp.lines, kinds(told)], [['503'], ['request BYE']]);
  layer.serve(parsed(requestText({ branch: 'z9hG4bKb', method: 'BYE', toTag: 'x' })), sourceOf(udp));
  receive(fixture, requestText({ branch: 'z9hG4bKc', method: 'BYE', toTag: 'x' }));
  assert.deepEqual([udp.lines, fixture.counters.overload.value], [['503', '503'], 2]);
});

test('branches are different, carry the cookie, and are those of one process', () => {
  const { layer } = layerFixture();
  const branches = new Set(Array.from({ length: 1000 }, () => layer.newBranch('h').text));
  assert.equal(branches.size, 1000);
  for (const branch of branches) assert.ok(branch.startsWith('z9hG4bK') && branch.startsWith(layer.branchPrefix));
});

test('stop forgets everything and nothing fires any more', () => {
  const fixture = layerFixture();
  const { layer, udp, clock } = fixture;
  layer.serve(parsed(requestText()), sourceOf(udp)).replyWith(486, 'Busy');
  layer.stop();
  clock.advance(60_000);
  assert.deepEqual([layer.size, udp.lines], [0, ['486']]);
});

describe('what stays of a call that was taken (RFC 6026)', () => {
  test('a copy of its 2xx goes to the caller for 64*T1, a failure is absorbed; then it is a stray', () => {
    const fixture = layerFixture();
    const { layer, told, udp, clock } = fixture;
    const server = layer.serve(parsed(requestText({ method: 'INVITE' })), sourceOf(udp, '192.0.2.77'));
    const branch = layer.newBranch('x');
    const sent = requestText({ method: 'INVITE', branch: branch.text });
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
    assert.deepEqual([layer.serverCount, layer.clientCount, told], [1, 1, []]);
    receive(fixture, ok);
    receive(fixture, replyTo(sent, 486));
    assert.deepEqual(kinds(told), ['success']);
    const [success] = told.splice(0);
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
    assert.deepEqual(kinds(told), ['stray INVITE']);
  });

  test('a CANCEL that comes after the final reply is answered 200 and changes nothing', () => {
    const fixture = layerFixture();
    const { layer, told, udp } = fixture;
    const server = layer.serve(parsed(requestText({ method: 'INVITE' })), sourceOf(udp));
    server.replyWith(200, 'OK');
    receive(fixture, requestText({ method: 'CANCEL' }));
    assert.deepEqual(udp.lines, ['200', '200']);
    assert.deepEqual(told, [{ kind: 'cancel', server: undefined }]);
  });
});
