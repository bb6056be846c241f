import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hopTo, ListPlan, proxyFixture } from '../../support/proxy-fixture.js';
import { A, B, C, relay } from '../../support/relay-fixture.js';

describe('replies', () => {
  test('the caller gets 100 at once, provisional and final replies are forwarded, a 100 is not, and the plan is notified', () => {
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

  test('without auto_100trying the proxy sends no 100', () => {
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

  test('a second 2xx is forwarded, also a retransmitted one of the same branch', () => {
    const { call, from, codes } = relay();
    call();
    from('192.0.2.7', 200);
    from('192.0.2.7', 200);
    from('192.0.2.7', 200, 'fork');
    assert.deepEqual(codes(), [100, 200, 200, 200]);
  });

  test('a provisional reply to a MESSAGE is not forwarded (RFC 4320)', () => {
    const { call, from, codes } = relay();
    call({ method: 'MESSAGE' });
    from('192.0.2.7', 180, 't', 'MESSAGE');
    from('192.0.2.7', 200, 't', 'MESSAGE');
    assert.deepEqual(codes(), [200]);
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

  test('408 is sent only to INVITE; copies of other requests are absorbed without a reply', () => {
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
  test('before any reply: the CANCEL is answered with 200, and the branch cancelled after its first provisional reply', () => {
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

  test('while ringing: the branch is cancelled at once', () => {
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

  test('while the target is silent: the proxy answers the call with 487, and no other target is tried', () => {
    const { call, codes, words, clock, plan } = relay();
    call();
    call({ method: 'CANCEL' });
    clock.advance(5050);
    assert.deepEqual([codes(), words('192.0.2.8'), plan.failures.length], [[100, 200, 487], [], 0]);
  });

  test('after the 2xx: the CANCEL is answered with 200 and has no other effect', () => {
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

  test('a 2xx that crosses the CANCEL is forwarded', () => {
    const { call, codes, from } = relay();
    call();
    from('192.0.2.7', 180);
    call({ method: 'CANCEL' });
    from('192.0.2.7', 200);
    assert.deepEqual(codes(), [100, 180, 200, 200]);
  });

  test('while a name is being resolved: the call is answered with 487 at once, and nothing is sent', async () => {
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
  test('a 2xx is forwarded and the other branch is cancelled', () => {
    const { call, codes, words, from, clock } = relay();
    call();
    clock.advance(5050);
    from('192.0.2.8', 180);
    from('192.0.2.7', 200);
    assert.deepEqual(words('192.0.2.8'), ['INVITE', 'CANCEL']);
    from('192.0.2.8', 487);
    assert.deepEqual([codes(), words('192.0.2.8').at(-1)], [[100, 180, 200], 'ACK']);
  });

  test('a 2xx of each branch is forwarded', () => {
    const { call, codes, from, clock } = relay();
    call();
    clock.advance(5050);
    from('192.0.2.8', 200);
    from('192.0.2.7', 200);
    assert.deepEqual(codes(), [100, 200, 200]);
  });

  test('a 2xx is forwarded also after the caller got 408', () => {
    const { call, codes, from, clock } = relay([A]);
    call();
    clock.advance(5050);
    assert.deepEqual(codes(), [100, 408]);
    from('192.0.2.7', 200);
    assert.equal(codes().at(-1), 200);
  });

  test('a provisional or failure reply is not forwarded', () => {
    const { call, codes, from, clock, words } = relay();
    call();
    clock.advance(5050);
    from('192.0.2.7', 180);
    from('192.0.2.7', 486);
    assert.deepEqual(codes(), [100]);
    assert.deepEqual(words('192.0.2.7').slice(-2), ['CANCEL', 'ACK']);
  });
});
