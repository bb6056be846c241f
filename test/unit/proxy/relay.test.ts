import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type NextHop, plainHop } from '../../../src/proxy/decision.js';
import { hopTo, ListPlan, type ProxyFixtureOptions, proxyFixture } from '../../support/proxy-fixture.js';
import { parsed, startWord } from '../../support/sip-recorder.js';

const A = hopTo('sip:192.0.2.7');
const B = hopTo('sip:192.0.2.8');
const C = hopTo('sip:192.0.2.9');

/** A relay with these targets. */
function relay(
  hops: readonly (NextHop | readonly NextHop[])[] = [A, B],
  options: Partial<ProxyFixtureOptions> & { codes?: number[]; allowed?: (a: { address: string }) => boolean } = {},
) {
  const plan = new ListPlan(hops, options.codes ?? [408, 503], true, options.allowed);
  const fixture = proxyFixture({ ...options, decide: () => ({ kind: 'relay', plan }) });
  const words = (address: string) => fixture.sentTo(address).map(startWord);
  /** A target's reply to the INVITE (or the given method) it received. */
  const from = (address: string, status: number, toTag = `tag-${address}`, method = 'INVITE') => {
    const sent = fixture
      .sentTo(address)
      .filter((each) => each.startsWith(method))
      .at(-1);
    assert.ok(sent, `nothing was sent to ${address}`);
    fixture.answer(sent, status, toTag);
  };
  return { ...fixture, fixture, plan, words, from };
}

describe('replies', () => {
  test('100 at once; provisional and final replies pass, 100 does not; the plan is notified', () => {
    const { call, from, codes, plan, fixture } = relay();
    call();
    for (const status of [100, 180, 183, 200]) from('192.0.2.7', status);
    assert.deepEqual(codes(), [100, 180, 183, 200]);
    assert.deepEqual(plan.answers, ['sip:192.0.2.7 180', 'sip:192.0.2.7 183', 'sip:192.0.2.7 200']);
    assert.equal(fixture.lastToCaller().headerCount('via'), 1);
    assert.equal(fixture.lastToCaller().toTag, 'tag-192.0.2.7');
  });

  test('the plan is notified once of the outcome', () => {
    for (const status of [200, 404]) {
      const { call, from, plan } = relay();
      const ended: number[] = [];
      Object.assign(plan, { ended: (code: number) => ended.push(code) });
      call();
      from('192.0.2.7', status);
      assert.deepEqual(ended, [status]);
    }
  });

  test('without auto_100trying there is no 100 of our own', () => {
    const { call, from, codes } = relay([A], { auto100: false });
    call();
    from('192.0.2.7', 100);
    from('192.0.2.7', 180);
    assert.deepEqual(codes(), [180]);
  });

  test('a delayed 100 is omitted after any other reply, and sent at most 200 ms after the INVITE', () => {
    for (const status of [180, 200, 404]) {
      const { call, from, codes, clock } = relay([A], { tryingDelay: 200 });
      call();
      from('192.0.2.7', 100);
      clock.advance(100);
      from('192.0.2.7', status);
      clock.advance(400);
      assert.deepEqual(codes(), [status]);
    }
    const { call, from, codes, clock } = relay([A], { tryingDelay: 200 });
    call();
    clock.advance(120);
    assert.deepEqual(codes(), []);
    clock.advance(80);
    assert.deepEqual(codes(), [100]);
    from('192.0.2.7', 180);
    from('192.0.2.7', 200);
    clock.advance(1000);
    assert.deepEqual(codes(), [100, 180, 200]);
  });

  test('a delayed 100 is sent when the INVITE is retransmitted, and only once', () => {
    const { call, codes, clock } = relay([A], { tryingDelay: 200 });
    call();
    clock.advance(20);
    call();
    assert.deepEqual(codes(), [100]);
    clock.advance(400);
    assert.deepEqual(codes(), [100]);
  });

  test('the delay of a 100 starts with the arrival of the INVITE, even if it is routed later', async () => {
    let decided: (() => void) | undefined;
    const plan = new ListPlan([A], [408, 503], true);
    const { call, codes, clock } = proxyFixture({
      tryingDelay: 200,
      decide: () =>
        new Promise((resolve) => {
          decided = () => resolve({ kind: 'relay', plan });
        }),
    });
    call();
    clock.advance(120);
    decided?.();
    await new Promise<void>((resolve) => setImmediate(resolve));
    assert.deepEqual(codes(), []);
    clock.advance(80);
    assert.deepEqual(codes(), [100]);
  });

  test('a 100 is delayed by at most 0.4 of T1', () => {
    const { call, codes, clock } = relay([A], { tryingDelay: 200, config: { t1: 250 } });
    call();
    clock.advance(100);
    assert.deepEqual(codes(), [100]);
  });

  test('a second 2xx passes, from the same branch and for a retransmission', () => {
    const { call, from, codes } = relay();
    call();
    from('192.0.2.7', 200);
    from('192.0.2.7', 200);
    from('192.0.2.7', 200, 'fork');
    assert.deepEqual(codes(), [100, 200, 200, 200]);
  });

  test('to a MESSAGE no provisional reply passes (RFC 4320)', () => {
    const { call, from, codes } = relay();
    call({ method: 'MESSAGE' });
    from('192.0.2.7', 180, 't', 'MESSAGE');
    from('192.0.2.7', 200, 't', 'MESSAGE');
    assert.deepEqual(codes(), [200]);
  });
});

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

  test('silence goes on after fr_timeout', () => {
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

  test('ringing without answer goes on after fr_inv_timeout, and is cancelled', () => {
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

  test('503 of one address goes to the next address of the name (RFC 3263 section 4.3), other codes do not', async () => {
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

  test('503 of the last address counts as 503 of the target', async () => {
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

  test('addresses of a family without a socket are left out if there are others', async () => {
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

  test('a blacklisted address is skipped; if nothing is left: 473', () => {
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

  test('a destination that is skipped for it has not failed; the answer of another counts', () => {
    const { call, udp, codes, plan } = relay([hopTo('sip:192.0.2.7'), hopTo('sip:192.0.2.8;transport=tls')]);
    call(secure);
    assert.deepEqual([codes(), udp.sent.length], [[100, 500], 2]);
    assert.deepEqual(
      plan.failures.map(({ uri, code }) => [uri, code]),
      [['sip:192.0.2.8;transport=tls', 503]],
    );
  });

  test('without sips_needs_tls it may use any transport, also within its dialog', () => {
    for (const toTag of ['', 'b1']) {
      const any = relay([A], { sipsNeedsTls: false });
      any.call({ ...secure, toTag });
      assert.deepEqual(any.words('192.0.2.7'), ['INVITE']);
    }
  });

  test('within its dialog the hop that a Route names is taken for a sips URI (section 16.6 step 7)', () => {
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

  test('without a target the caller gets the reply of the plan', () => {
    const { call, codes } = relay([]);
    call();
    assert.deepEqual(codes(), [100, 480]);
  });

  test('a transport or family without a socket is a failure of that target', () => {
    const { call, words, codes } = relay([hopTo('sip:192.0.2.7;transport=tls'), B]);
    call();
    assert.deepEqual(words('192.0.2.8'), ['INVITE']);
    assert.deepEqual(codes(), [100]);
  });
});

describe('best reply (RFC 3261 section 16.7 step 6)', () => {
  const cases: readonly [string, (number | 'silent')[], number][] = [
    ['the lowest class', [500, 404], 404],
    ['the first of equals', [404, 480], 404],
    ['6xx before all', [404, 603, 486], 603],
    ['one the caller can act upon', [404, 407], 407],
    ['a 503 alone becomes 500', [503, 503], 500],
    ['503 is no better than 502', [503, 502], 500],
    ['silence everywhere is 408', ['silent', 'silent'], 408],
    ['what a gateway answered before our own 408', ['silent', 500], 500],
    ['what a gateway answered before the 408 of another', [408, 500], 500],
    ['any 4xx before our own 408', ['silent', 486], 486],
    ['a 3xx before all but 6xx', [404, 302, 500], 302],
  ];
  for (const [title, answers, wanted] of cases) {
    test(`${title}: ${answers.join(', ')} gives ${wanted}`, () => {
      const hops = [A, B, C].slice(0, answers.length);
      const all = [302, 404, 407, 408, 480, 486, 500, 502, 503, 603];
      const { call, from, clock, codes } = relay(hops, { codes: all });
      call();
      for (const [i, each] of answers.entries()) {
        if (each === 'silent') clock.advance(5050);
        else from(`192.0.2.${7 + i}`, each);
      }
      assert.deepEqual(codes(), [100, wanted]);
    });
  }

  test('408 is not sent to requests other than INVITE; copies are absorbed silently', () => {
    const { call, clock, codes, layer, words } = relay();
    call({ method: 'MESSAGE' });
    clock.advance(10_200);
    assert.equal(layer.unanswered, 0);
    const sent = words('192.0.2.8').length;
    call({ method: 'MESSAGE' });
    assert.equal(words('192.0.2.8').length, sent);
    assert.deepEqual(codes(), [100]);
    clock.advance(32_100);
    assert.equal(layer.size, 0);
  });
});

describe('CANCEL', () => {
  test('before any reply: 200 to it; the branch is cancelled with its first provisional reply', () => {
    const { call, codes, words, from, plan } = relay();
    call();
    call({ method: 'CANCEL' });
    assert.deepEqual([codes(), words('192.0.2.7')], [[100, 200], ['INVITE']]);
    from('192.0.2.7', 180);
    assert.deepEqual(words('192.0.2.7'), ['INVITE', 'CANCEL']);
    from('192.0.2.7', 487);
    assert.deepEqual(codes(), [100, 200, 180, 487]);
    assert.deepEqual(words('192.0.2.8'), []);
    assert.equal(plan.failures.length, 0);
  });

  test('when ringing: at once', () => {
    const { call, codes, words, from } = relay();
    call();
    from('192.0.2.7', 180);
    call({ method: 'CANCEL' });
    assert.deepEqual(words('192.0.2.7'), ['INVITE', 'CANCEL']);
    from('192.0.2.7', 487);
    assert.deepEqual(
      [codes(), words('192.0.2.7')],
      [
        [100, 180, 200, 487],
        ['INVITE', 'CANCEL', 'ACK'],
      ],
    );
  });

  test('of a silent target: 487 of our own, and no failover', () => {
    const { call, codes, words, clock, plan } = relay();
    call();
    call({ method: 'CANCEL' });
    clock.advance(5050);
    assert.deepEqual([codes(), words('192.0.2.8'), plan.failures.length], [[100, 200, 487], [], 0]);
  });

  test('after the 2xx: 200 to it, nothing else', () => {
    const { call, codes, words, from } = relay();
    call();
    from('192.0.2.7', 200);
    call({ method: 'CANCEL' });
    assert.deepEqual([codes(), words('192.0.2.7')], [[100, 200, 200], ['INVITE']]);
  });

  test('after a failover: the current branch is cancelled, and the caller gets its 487', () => {
    const { call, codes, words, from } = relay([A, B], { codes: [404] });
    call();
    from('192.0.2.7', 404);
    from('192.0.2.8', 180);
    call({ method: 'CANCEL' });
    assert.deepEqual(
      [words('192.0.2.7'), words('192.0.2.8')],
      [
        ['INVITE', 'ACK'],
        ['INVITE', 'CANCEL'],
      ],
    );
    from('192.0.2.8', 487);
    assert.deepEqual(codes(), [100, 180, 200, 487]);
  });

  test('a 2xx that crosses the CANCEL wins', () => {
    const { call, codes, from } = relay();
    call();
    from('192.0.2.7', 180);
    call({ method: 'CANCEL' });
    from('192.0.2.7', 200);
    assert.deepEqual(codes(), [100, 180, 200, 200]);
  });

  test('while a name is being resolved: 487 at once, nothing is sent', async () => {
    const { call, codes, udp, clock, layer } = relay([hopTo('sip:none.example.com')]);
    call();
    call({ method: 'CANCEL' });
    assert.deepEqual(codes(), [100, 200, 487]);
    await clock.advanceAsync(0);
    assert.equal(udp.sent.filter((each) => each.address !== '192.0.2.1').length, 0);
    clock.advance(40_000);
    assert.equal(layer.size, 0);
  });
});

describe('late replies of an abandoned branch', () => {
  test('a 2xx passes and the other branch is cancelled', () => {
    const { call, codes, words, from, clock } = relay();
    call();
    clock.advance(5050);
    from('192.0.2.8', 180);
    from('192.0.2.7', 200);
    assert.deepEqual(words('192.0.2.8'), ['INVITE', 'CANCEL']);
    from('192.0.2.8', 487);
    assert.deepEqual([codes(), words('192.0.2.8').at(-1)], [[100, 180, 200], 'ACK']);
  });

  test('a 2xx of each passes', () => {
    const { call, codes, from, clock } = relay();
    call();
    clock.advance(5050);
    from('192.0.2.8', 200);
    from('192.0.2.7', 200);
    assert.deepEqual(codes(), [100, 200, 200]);
  });

  test('a 2xx after the caller got 408 still passes', () => {
    const { call, codes, from, clock } = relay([A]);
    call();
    clock.advance(5050);
    assert.deepEqual(codes(), [100, 408]);
    from('192.0.2.7', 200);
    assert.equal(codes().at(-1), 200);
  });

  test('a provisional or failure reply does not pass', () => {
    const { call, codes, from, clock, words } = relay();
    call();
    clock.advance(5050);
    from('192.0.2.7', 180);
    from('192.0.2.7', 486);
    assert.deepEqual(codes(), [100]);
    assert.deepEqual(words('192.0.2.7').slice(-2), ['CANCEL', 'ACK']);
  });
});

describe('several targets at once (RFC 3261 section 16.7)', () => {
  test('each gets a branch of its own; the first 2xx wins and the others are cancelled', () => {
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

  test('a CANCEL of the caller cancels all of them, with one final reply', () => {
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

  test('targets that are blocked or cannot be reached do not keep the others from being tried', () => {
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

  test('goes by TCP where there is a TCP socket', () => {
    const { call, sentTo, tcp } = relay([A], { udpMaxRequest: 1300 });
    call(large);
    assert.deepEqual([sentTo('192.0.2.7').length, sentTo('192.0.2.7', tcp).length], [0, 1]);
    const sent = parsed(sentTo('192.0.2.7', tcp)[0] ?? '');
    assert.equal(sent.via?.transport, 'TCP');
    assert.equal(sent.headerCount('record-route'), 2);
  });

  test('stays on UDP if it is small, the limit is 0, or its socket is given', () => {
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

  test('goes by UDP where TCP is refused, and so does the next one at once', () => {
    const { call, sentTo, tcp, plan } = relay([A, A], { udpMaxRequest: 1300 });
    call(large);
    tcp.sent[0]?.fail({ cause: 'refused', message: 'connection refused' });
    assert.deepEqual([sentTo('192.0.2.7', tcp).length, sentTo('192.0.2.7').length], [1, 1]);
    assert.deepEqual(plan.failures, []);
    call({ ...large, branch: 'z9hG4bKsecond', callId: 'second' });
    assert.deepEqual([sentTo('192.0.2.7', tcp).length, sentTo('192.0.2.7').length], [1, 2]);
  });

  test('TCP has a short time to connect; a refusal is remembered for a day once UDP was answered', () => {
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

  test('goes by UDP after fr_timeout where TCP stays silent, and the target has not failed', () => {
    const { call, sentTo, tcp, plan, from, codes, fixture } = relay([A, B], { udpMaxRequest: 1300 });
    call(large);
    fixture.clock.advance(fixture.layer.config.frTimeout + 100);
    assert.deepEqual([sentTo('192.0.2.7', tcp).length, sentTo('192.0.2.7').length], [1, 1]);
    assert.deepEqual([plan.failures, sentTo('192.0.2.8')], [[], []]);
    from('192.0.2.7', 200);
    assert.deepEqual(codes(), [100, 200]);
  });
});
