import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NextHop } from '../../../src/proxy/decision.js';
import { hopTo } from '../../support/proxy-fixture.js';
import { A, B, C, relay } from '../../support/relay-fixture.js';
import { parsed } from '../../support/sip-recorder.js';

describe('several targets at once (RFC 3261 section 16.7)', () => {
  test('each gets a branch of its own; the first 2xx is forwarded and the other branches are cancelled', () => {
    const { call, from, codes, words, sentTo, layer } = relay([[A, B, C]]);
    call();
    const branches = ['192.0.2.7', '192.0.2.8', '192.0.2.9'].map((each) => parsed(sentTo(each)[0] ?? '').via?.branch);
    assert.equal(new Set(branches).size, 3);
    from('192.0.2.7', 180);
    from('192.0.2.8', 180);
    from('192.0.2.8', 200);
    assert.deepEqual(codes(), [100, 180, 180, 200]);
    assert.deepEqual(words('192.0.2.7'), ['INVITE', 'CANCEL']);
    // A branch without a reply is cancelled after its first provisional reply (section 9.1).
    assert.deepEqual(words('192.0.2.9'), ['INVITE']);
    from('192.0.2.9', 180);
    assert.deepEqual(words('192.0.2.9'), ['INVITE', 'CANCEL']);
    from('192.0.2.7', 487);
    from('192.0.2.9', 487);
    assert.deepEqual(codes(), [100, 180, 180, 200]);
    assert.equal(layer.unanswered, 0);
  });

  test('the best failure goes to the caller when all have failed', () => {
    const { call, from, codes } = relay([[A, B, C]]);
    call();
    from('192.0.2.7', 503);
    from('192.0.2.8', 404);
    assert.deepEqual(codes(), [100]);
    from('192.0.2.9', 486);
    assert.deepEqual(codes(), [100, 404]);
  });

  test('the next targets are tried when all have failed with a failover code', () => {
    const { call, from, codes, words, counters } = relay([[A, B], C]);
    call();
    from('192.0.2.7', 503);
    assert.deepEqual(words('192.0.2.9'), []);
    from('192.0.2.8', 408);
    assert.deepEqual(words('192.0.2.9'), ['INVITE']);
    from('192.0.2.9', 200);
    assert.deepEqual([codes(), counters.failovers.value], [[100, 200], 1]);
  });

  test('a 6xx cancels the other branches and is forwarded to the caller', () => {
    const { call, from, codes, words, plan } = relay([[A, B], C]);
    const withdrawn: string[] = [];
    Object.assign(plan, {
      withdrawn(hop: NextHop) {
        withdrawn.push(hop.uri);
        return true;
      },
    });
    call();
    from('192.0.2.8', 180);
    from('192.0.2.7', 603);
    assert.deepEqual(words('192.0.2.8'), ['INVITE', 'CANCEL']);
    from('192.0.2.8', 487);
    assert.deepEqual(codes(), [100, 180, 603]);
    assert.deepEqual(words('192.0.2.9'), []);
    // The cancelled branch does not count as failed.
    assert.deepEqual(
      plan.failures.map(({ uri }) => uri),
      [A.uri],
    );
    assert.deepEqual(withdrawn, [B.uri]);
  });

  test('a CANCEL of the caller cancels all branches, and the caller gets one final reply', () => {
    const { call, from, codes, words, fixture } = relay([[A, B]]);
    const invite = call();
    from('192.0.2.7', 180);
    from('192.0.2.8', 180);
    fixture.layer.receive(
      invite.replace(/^INVITE /, 'CANCEL ').replace(/CSeq: (\d+) INVITE/, 'CSeq: $1 CANCEL'),
      fixture.caller,
    );
    for (const each of ['192.0.2.7', '192.0.2.8']) assert.deepEqual(words(each), ['INVITE', 'CANCEL']);
    from('192.0.2.7', 487);
    assert.equal(codes().at(-1), 200);
    from('192.0.2.8', 487);
    assert.equal(codes().at(-1), 487);
  });

  test('targets that are blocked or cannot be reached do not prevent branches to the others', () => {
    const { call, from, codes, words } = relay([[A, hopTo('sip:192.0.2.8;transport=tls'), C]], {
      allowed: ({ address }) => address !== '192.0.2.7',
    });
    call();
    assert.deepEqual([words('192.0.2.7'), words('192.0.2.9')], [[], ['INVITE']]);
    from('192.0.2.9', 200);
    assert.deepEqual(codes(), [100, 200]);
  });
});

describe('a request too large for UDP (RFC 3261 section 18.1.1)', () => {
  const large = { body: 'x'.repeat(2000) };

  test('is sent by TCP if there is a TCP socket', () => {
    const { call, sentTo, tcp } = relay([A], { udpMaxRequest: 1300 });
    call(large);
    assert.deepEqual([sentTo('192.0.2.7').length, sentTo('192.0.2.7', tcp).length], [0, 1]);
    const sent = parsed(sentTo('192.0.2.7', tcp)[0] ?? '');
    assert.equal(sent.via?.transport, 'TCP');
    assert.equal(sent.headerCount('record-route'), 2);
  });

  test('is sent by UDP if it is small, the limit is 0, or its socket is given', () => {
    for (const [hops, limit, parts] of [
      [[A], 1300, {}],
      [[A], 0, large],
    ] as const) {
      const { call, sentTo } = relay(hops, { udpMaxRequest: limit });
      call(parts);
      assert.equal(sentTo('192.0.2.7').length, 1);
    }
    const hop: { uri: string; socket?: NextHop['socket'] } = { ...A };
    const { call, sentTo, udp } = relay([hop], { udpMaxRequest: 1300 });
    hop.socket = udp;
    call(large);
    assert.equal(sentTo('192.0.2.7').length, 1);
  });

  test('is sent by UDP if TCP is refused, and so is the next one at once', () => {
    const { call, sentTo, tcp, plan } = relay([A, A], { udpMaxRequest: 1300 });
    call(large);
    tcp.sent[0]?.fail({ cause: 'refused', message: 'connection refused' });
    assert.deepEqual([sentTo('192.0.2.7', tcp).length, sentTo('192.0.2.7').length], [1, 1]);
    assert.deepEqual(plan.failures, []);
    call({ ...large, branch: 'z9hG4bKsecond', callId: 'second' });
    assert.deepEqual([sentTo('192.0.2.7', tcp).length, sentTo('192.0.2.7').length], [1, 2]);
  });

  test('is sent by UDP after a short time if TCP does not connect; a refusal is remembered for a day if UDP was answered', () => {
    const { call, sentTo, tcp, from, fixture } = relay([A, A, A, A], { udpMaxRequest: 1300 });
    const hurried: number[] = [];
    Object.assign(tcp, {
      limitConnectTime: (_address: string, _port: number, _name: undefined, ms: number) => hurried.push(ms),
    });
    const tries = () => [
      sentTo('192.0.2.7', tcp).length,
      sentTo('192.0.2.7').filter((each) => !each.startsWith('ACK')).length,
    ];
    call(large);
    assert.deepEqual(hurried, [1500]);
    tcp.sent[0]?.fail({ cause: 'timeout', message: 'no answer to connect' });
    from('192.0.2.7', 486);
    assert.deepEqual(tries(), [1, 1]);
    fixture.clock.advance(12 * 3600 * 1000);
    call({ ...large, branch: 'z9hG4bKsecond', callId: 'second' });
    assert.deepEqual(tries(), [1, 2]);
    // UDP is silent as well now: the next request tries TCP again.
    fixture.clock.advance(fixture.layer.config.frTimeout + 100);
    call({ ...large, branch: 'z9hG4bKthird', callId: 'third' });
    assert.ok((tries()[0] ?? 0) >= 2);
  });

  test('is sent by UDP after fr_timeout if there is no reply over TCP, and the target has not failed', () => {
    const { call, sentTo, tcp, plan, from, codes, fixture } = relay([A, B], { udpMaxRequest: 1300 });
    call(large);
    fixture.clock.advance(fixture.layer.config.frTimeout + 100);
    assert.deepEqual([sentTo('192.0.2.7', tcp).length, sentTo('192.0.2.7').length], [1, 1]);
    assert.deepEqual([plan.failures, sentTo('192.0.2.8')], [[], []]);
    from('192.0.2.7', 200);
    assert.deepEqual(codes(), [100, 200]);
  });
});
