import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { plainHop } from '../../../src/proxy/decision.js';
import { hopTo } from '../../support/proxy-fixture.js';
import { A, B, C, relay } from '../../support/relay-fixture.js';
import { parsed } from '../../support/sip-recorder.js';

describe('serial failover', () => {
  for (const status of [408, 503]) {
    test(`${status} goes on to the next target, which gets a request of its own`, () => {
      const { call, from, codes, words, sentTo, counters, plan } = relay();
      call();
      from('192.0.2.7', 180);
      from('192.0.2.7', status);
      assert.deepEqual(words('192.0.2.7'), ['INVITE', 'ACK']);
      assert.deepEqual(words('192.0.2.8'), ['INVITE']);
      const [first, second] = ['192.0.2.7', '192.0.2.8'].map((address) => parsed(sentTo(address)[0] ?? ''));
      assert.notEqual(first?.via?.branch, second?.via?.branch);
      assert.deepEqual(
        [second?.maxForwards, second?.headerCount('via'), second?.headerCount('record-route')],
        [69, 2, 1],
      );
      from('192.0.2.8', 200);
      assert.deepEqual(codes(), [100, 180, 200]);
      assert.deepEqual([counters.failovers.value, counters.replies[2]?.value], [1, 1]);
      assert.deepEqual(
        plan.failures.map((each) => [each.code, each.local]),
        [[status, false]],
      );
    });
  }

  test('a code that is not listed ends failover', () => {
    const { call, from, codes, words } = relay();
    call();
    from('192.0.2.7', 486);
    assert.deepEqual([codes(), words('192.0.2.8')], [[100, 486], []]);
  });

  test('without a reply the next target is tried after fr_timeout', () => {
    const { call, clock, words, plan, from, codes } = relay();
    call();
    clock.advance(4990);
    assert.deepEqual(words('192.0.2.8'), []);
    clock.advance(50);
    assert.deepEqual(words('192.0.2.8'), ['INVITE']);
    assert.deepEqual(plan.failures, [{ code: 408, local: true, cause: 'timeout', uri: 'sip:192.0.2.7' }]);
    from('192.0.2.8', 200);
    assert.deepEqual(codes(), [100, 200]);
  });

  test('a target that rings without answering is cancelled after fr_inv_timeout, and the next one tried', () => {
    const { call, clock, words, from } = relay([A, B], { config: { frInvTimeout: 10_000 } });
    call();
    from('192.0.2.7', 180);
    clock.advance(10_050);
    assert.deepEqual(words('192.0.2.7'), ['INVITE', 'CANCEL']);
    assert.deepEqual(words('192.0.2.8'), ['INVITE']);
  });

  test('after a transport error the next target is tried at once', () => {
    const { call, udp, words, plan } = relay();
    call();
    udp.sent.find((each) => each.address === '192.0.2.7')?.fail({ cause: 'refused', message: 'ECONNREFUSED' });
    assert.deepEqual(words('192.0.2.8'), ['INVITE']);
    assert.deepEqual(
      plan.failures.map((each) => [each.code, each.local, each.cause]),
      [[503, true, 'refused']],
    );
  });

  test('after a name that does not resolve, or a malformed URI, the next target is tried', async () => {
    const { call, words, plan, clock } = relay(
      [hopTo('sip:none.example.com'), hopTo('nonsense'), hopTo('sip:x;transport=tls'), C],
      { codes: [400, 503] },
    );
    call();
    await clock.advanceAsync(0);
    await clock.advanceAsync(0);
    assert.deepEqual(
      plan.failures.map((each) => [each.code, each.local]),
      [
        [503, true],
        [400, true],
        [503, true],
      ],
    );
    assert.deepEqual(words('192.0.2.9'), ['INVITE']);
  });

  test('every address of a name is tried before the next target', async () => {
    const records = [
      { address: '192.0.2.21', ttl: 60 },
      { address: '192.0.2.22', ttl: 60 },
    ];
    const none = () => Promise.reject(new Error('none'));
    const dns = { naptr: none, srv: none, aaaa: none, system: none, a: () => Promise.resolve(records) };
    const { call, words, plan, clock } = relay([hopTo('sip:gw.example.com:5060'), B], { dns });
    call();
    await clock.advanceAsync(0);
    assert.deepEqual([words('192.0.2.21'), words('192.0.2.22')], [['INVITE'], []]);
    clock.advance(5050);
    assert.deepEqual([words('192.0.2.22'), plan.failures.length], [['INVITE'], 0]);
    clock.advance(5050);
    assert.deepEqual([words('192.0.2.8'), plan.failures.length], [['INVITE'], 1]);
  });

  test('after 503 from one address the next address of the name is tried (RFC 3263 section 4.3), after other codes it is not', async () => {
    const addresses = ['192.0.2.21', '192.0.2.22', '192.0.2.23'].map((address) => ({ address, ttl: 60 }));
    const none = () => Promise.reject(new Error('none'));
    const dns = { naptr: none, srv: none, aaaa: none, system: none, a: () => Promise.resolve(addresses) };
    const { call, words, plan, clock, from, codes } = relay([hopTo('sip:gw.example.com:5060'), B], { dns });
    call();
    await clock.advanceAsync(0);
    from('192.0.2.21', 180);
    from('192.0.2.21', 503);
    assert.deepEqual([words('192.0.2.21'), words('192.0.2.22'), plan.failures], [['INVITE', 'ACK'], ['INVITE'], []]);
    from('192.0.2.22', 486);
    assert.deepEqual([words('192.0.2.23'), words('192.0.2.8'), codes()], [[], [], [100, 180, 486]]);
  });

  test('503 from the last address counts as 503 of the target', async () => {
    const none = () => Promise.reject(new Error('none'));
    const a = () => Promise.resolve([{ address: '192.0.2.21', ttl: 60 }]);
    const dns = { naptr: none, srv: none, aaaa: none, system: none, a };
    const { call, words, plan, clock, from } = relay([hopTo('sip:gw.example.com:5060'), B], { dns });
    call();
    await clock.advanceAsync(0);
    from('192.0.2.21', 503);
    assert.deepEqual(
      [words('192.0.2.8'), plan.failures.map(({ code, local }) => [code, local])],
      [['INVITE'], [[503, false]]],
    );
  });

  test('addresses of a family without a socket are skipped if there are others', async () => {
    const none = () => Promise.reject(new Error('none'));
    const a = () => Promise.resolve([{ address: '192.0.2.21', ttl: 60 }]);
    const aaaa = () => Promise.resolve([{ address: '2001:db8::21', ttl: 60 }]);
    const dns = { naptr: none, srv: none, aaaa, system: none, a };
    // The proxy has TCP over IPv4 only.
    const { call, tcp, plan, clock } = relay([hopTo('sip:gw.example.com:5060;transport=tcp'), B], { dns });
    call();
    await clock.advanceAsync(0);
    assert.deepEqual(
      tcp.sent.map(({ address }) => address),
      ['192.0.2.21'],
    );
    clock.advance(5050);
    assert.deepEqual(
      plan.failures.map(({ code, cause }) => [code, cause]),
      [[408, 'timeout']],
    );
  });

  test('a blacklisted address is skipped; if none is left the reply is 473', () => {
    const some = relay([A, B], { allowed: (address) => address.address !== '192.0.2.7' });
    some.call();
    assert.deepEqual([some.words('192.0.2.7'), some.words('192.0.2.8')], [[], ['INVITE']]);
    const none = relay([A, B], { allowed: () => false });
    none.call();
    assert.deepEqual(none.codes(), [100, 473]);
  });

  const secure = { uri: 'sips:bob@example.com' };

  test('a call to a sips URI goes over TLS or not at all (RFC 3261 section 26.2.2): 480 with the warning of RFC 5630', () => {
    for (const uris of [['sip:192.0.2.7', 'sip:192.0.2.8;transport=tcp'], ['sips:192.0.2.7;transport=udp']]) {
      const { call, udp, tcp, codes, lastToCaller, plan, layer } = relay(uris.map((uri) => hopTo(uri)));
      call(secure);
      assert.deepEqual([codes(), udp.sent.length, tcp.sent.length], [[100, 480], 2, 0]);
      assert.equal(lastToCaller().header('warning'), '380 127.0.0.1:5060 "SIPS Not Allowed"');
      assert.equal(layer.clientCount, 0);
      assert.deepEqual(
        plan.failures.filter((each) => each.code !== 480),
        [],
      );
    }
  });

  test('a destination skipped for lack of TLS has not failed, and the reply of another is forwarded', () => {
    const { call, udp, codes, plan } = relay([hopTo('sip:192.0.2.7'), hopTo('sip:192.0.2.8;transport=tls')]);
    call(secure);
    assert.deepEqual([codes(), udp.sent.length], [[100, 500], 2]);
    assert.deepEqual(
      plan.failures.map(({ uri, code }) => [uri, code]),
      [['sip:192.0.2.8;transport=tls', 503]],
    );
  });

  test('without sips_needs_tls a call to a sips URI may use any transport, also within its dialog', () => {
    for (const toTag of ['', 'b1']) {
      const any = relay([A], { sipsNeedsTls: false });
      any.call({ ...secure, toTag });
      assert.deepEqual(any.words('192.0.2.7'), ['INVITE']);
    }
  });

  test('within the dialog of a call to a sips URI the URI of a Route is treated as a sips URI (section 16.6 step 7)', () => {
    // There is no TLS socket: a URI that needs TLS has no target, and one that requires UDP is rejected.
    for (const [uri, code] of [
      ['sip:192.0.2.7', 500],
      ['sip:192.0.2.7;transport=tcp', 500],
      ['sip:192.0.2.7;transport=udp', 480],
    ] as const) {
      const { call, codes, udp, tcp } = relay([plainHop(uri)]);
      call({ ...secure, toTag: 'b1' });
      assert.equal(codes().at(-1), code, uri);
      assert.deepEqual([udp.sent.filter(({ text }) => text.startsWith('INVITE')).length, tcp.sent.length], [0, 0], uri);
    }
  });

  test('thousands of targets that fail at once are all tried, and the caller is answered', () => {
    const { call, codes, plan, errors } = relay(
      Array.from({ length: 20_000 }, (_, i) => hopTo(`sip:192.0.2.7:${1000 + i};transport=tls`)),
    );
    call();
    assert.deepEqual([codes(), plan.failures.length, errors], [[100, 500], 20_000, []]);
  });

  test('a plan without targets answers the caller with its reply', () => {
    const { call, codes } = relay([]);
    call();
    assert.deepEqual(codes(), [100, 480]);
  });

  test('a target whose transport or address family has no socket fails', () => {
    const { call, words, codes } = relay([hopTo('sip:192.0.2.7;transport=tls'), B]);
    call();
    assert.deepEqual(words('192.0.2.8'), ['INVITE']);
    assert.deepEqual(codes(), [100]);
  });
});
