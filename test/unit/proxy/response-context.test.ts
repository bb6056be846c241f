import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AfterFailure, HopFailure, NextHop } from '../../../src/proxy/decision.js';
import type { SipMessage } from '../../../src/sip/message.js';
import { hopTo, ListPlan, proxyFixture } from '../../support/proxy-fixture.js';
import { parsed, startWord } from '../../support/sip-recorder.js';

const [A, B, C] = ['192.0.2.7', '192.0.2.8', '192.0.2.9'] as const;

/** A plan that redirects to C after each 302; `left` is kept from it. */
class FollowingPlan extends ListPlan {
  left: SipMessage | undefined;
  private named: NextHop[] = [];

  override next(): NextHop | readonly NextHop[] | undefined {
    return this.named.shift() ?? super.next();
  }

  override failed(hop: NextHop, failure: HopFailure, reply?: SipMessage): AfterFailure {
    if (reply?.status !== 302) return super.failed(hop, failure);
    this.named.push(hopTo(`sip:${C}`, { requestUri: `sip:new@${C}` }));
    return { followed: true, left: this.left };
  }
}

function calling(plan: ListPlan) {
  const fixture = proxyFixture({ decide: () => ({ kind: 'relay', plan }) });
  fixture.call();
  const words = (address: string) => fixture.sentTo(address).map(startWord);
  const from = (address: string, status: number, headers = '') =>
    fixture.answer(fixture.sentTo(address)[0] ?? '', status, `tag-${address}`, headers);
  return { ...fixture, words, from };
}

describe('Max-Breadth (RFC 5393 section 5.3.3)', () => {
  const three = () => new ListPlan([[hopTo(`sip:${A}`), hopTo(`sip:${B}`), hopTo(`sip:${C}`)]]);
  const sent = (headers: string, plan = three()) => {
    const fixture = proxyFixture({ decide: () => ({ kind: 'relay', plan }) });
    fixture.call({ headers });
    const breadths = [A, B, C].map((address) => {
      const text = fixture.sentTo(address)[0];
      return text === undefined ? undefined : parsed(text).header('max-breadth');
    });
    return { breadths, codes: fixture.codes() };
  };

  test('branches sent at once share the value; without the field it is 60', () => {
    assert.deepEqual(sent('Max-Breadth: 10\r\n').breadths, ['4', '3', '3']);
    assert.deepEqual(sent('max-breadth :\r\n 3\r\n').breadths, ['1', '1', '1']);
    assert.deepEqual(sent('').breadths, ['20', '20', '20']);
    assert.deepEqual(sent('Max-Breadth: many\r\n').breadths, ['20', '20', '20']);
  });

  test('a request with more branches than it allows is answered with 440, and no branch is sent', () => {
    for (const value of [2, 1, 0]) {
      assert.deepEqual(sent(`Max-Breadth: ${value}\r\n`), {
        breadths: [undefined, undefined, undefined],
        codes: [100, 440],
      });
    }
  });

  test('sequential branches each keep the whole value', () => {
    const plan = () => new ListPlan([hopTo(`sip:${A}`), hopTo(`sip:${B}`)]);
    assert.deepEqual(sent('Max-Breadth: 1\r\n', plan()).breadths, ['1', undefined, undefined]);
    assert.deepEqual(sent('', plan()).breadths, [undefined, undefined, undefined]);
  });
});

describe('redirections', () => {
  test('a redirection that is followed counts neither as an answer nor as a failover', () => {
    const { from, words, codes, sentTo, counters } = calling(new FollowingPlan([hopTo(`sip:${A}`)]));
    from(A, 302);
    assert.deepEqual(words(C), ['INVITE']);
    const sent = parsed(sentTo(C)[0] ?? '');
    assert.deepEqual([sent.requestUri, sent.maxForwards, sent.headerCount('via')], [`sip:new@${C}`, 69, 2]);
    from(C, 486);
    assert.deepEqual([codes(), counters.failovers.value], [[100, 486], 0]);
  });

  test('a redirection with remaining Contacts is preferred to any failure except 6xx', () => {
    for (const [status, expected] of [
      [486, 301],
      [603, 603],
    ] as const) {
      const plan = new FollowingPlan([hopTo(`sip:${A}`)]);
      const { from, codes, sentTo, answer } = calling(plan);
      const other = calling(new ListPlan([hopTo(`sip:${A}`)]));
      other.from(A, 301);
      // Any reply that takes the same Vias is suitable as the kept one.
      plan.left = parsed(
        `SIP/2.0 301 Left\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx\r\n${other.lastToCaller().text.slice(other.lastToCaller().headersStart)}`,
      );
      from(A, 302);
      answer(sentTo(C)[0] ?? '', status);
      assert.deepEqual(codes(), [100, expected]);
    }
  });

  test('a redirection that is not followed is preferred to a failure before or after it', () => {
    for (const order of [
      [503, 302],
      [302, 503],
    ] as const) {
      const { from, codes, words } = calling(new ListPlan([hopTo(`sip:${A}`), hopTo(`sip:${B}`)], [302, 503]));
      from(A, order[0]);
      from(B, order[1]);
      assert.deepEqual(
        [codes(), words(A)],
        [
          [100, 302],
          ['INVITE', 'ACK'],
        ],
      );
    }
  });

  test('in a fork it is followed when all branches have ended, even if another failed finally', () => {
    const { from, words, codes } = calling(new FollowingPlan([[hopTo(`sip:${A}`), hopTo(`sip:${B}`)]]));
    from(A, 302);
    assert.deepEqual(words(C), []);
    from(B, 486);
    assert.deepEqual(words(C), ['INVITE']);
    from(C, 200);
    assert.deepEqual(codes(), [100, 200]);
  });

  test('in a fork it is ignored if another branch refused with 6xx', () => {
    const { from, words, codes } = calling(new FollowingPlan([[hopTo(`sip:${A}`), hopTo(`sip:${B}`)]]));
    from(A, 302);
    from(B, 603);
    assert.deepEqual([words(C), codes()], [[], [100, 603]]);
  });

  test('a caller who cancelled gets 487, not the earlier redirection', () => {
    const { from, call, codes } = calling(new ListPlan([hopTo(`sip:${A}`), hopTo(`sip:${B}`)], [302]));
    from(A, 302);
    from(B, 180);
    call({ method: 'CANCEL' });
    from(B, 487);
    assert.deepEqual(
      codes().filter((code) => code > 180),
      [200, 487],
    );
  });
});

test('one final reply of a fork of another method than INVITE goes to the caller', () => {
  const plan = new ListPlan([[hopTo(`sip:${A}`), hopTo(`sip:${B}`)]]);
  const fixture = proxyFixture({ decide: () => ({ kind: 'relay', plan }) });
  fixture.call({ method: 'SUBSCRIBE' });
  for (const address of [A, B]) fixture.answer(fixture.sentTo(address)[0] ?? '', 200, `tag-${address}`);
  assert.deepEqual([fixture.codes(), fixture.lastToCaller().toTag], [[200], `tag-${A}`]);
});

describe('challenges (RFC 3261 section 16.7 step 7)', () => {
  const PROXY = 'Proxy-Authenticate: Digest realm="b", nonce="2"\r\n';
  const WWW = 'WWW-Authenticate: Digest realm="a",\r\n nonce="1"\r\n';

  for (const [title, hops] of [
    ['a fork', [[hopTo(`sip:${A}`), hopTo(`sip:${B}`), hopTo(`sip:${C}`)]]],
    ['one after the other', [hopTo(`sip:${A}`), hopTo(`sip:${B}`), hopTo(`sip:${C}`)]],
  ] as const) {
    test(`${title}: the final 401 has the challenges of all`, () => {
      const { from, codes, lastToCaller } = calling(new ListPlan(hops, [401, 407]));
      from(A, 401, WWW);
      from(B, 407, PROXY);
      from(C, 401, WWW);
      assert.deepEqual(codes(), [100, 401]);
      const reply = lastToCaller();
      assert.equal(reply.toTag, `tag-${A}`);
      assert.ok(reply.text.includes(`\r\n${WWW}`), 'as it came');
      assert.ok(reply.text.includes(`\r\n${PROXY}`));
      assert.deepEqual([reply.headerCount('www-authenticate'), reply.headerCount('proxy-authenticate')], [1, 1]);
      assert.equal(reply.defect, undefined);
    });
  }

  test('a single challenge is forwarded byte for byte', () => {
    const { from, lastToCaller } = calling(new ListPlan([[hopTo(`sip:${A}`), hopTo(`sip:${B}`)]], []));
    from(A, 486, WWW);
    from(B, 407, PROXY);
    assert.deepEqual([lastToCaller().status, lastToCaller().headerCount('www-authenticate')], [407, 0]);
  });

  test('a reply preferred to 401 does not contain the challenges', () => {
    const { from, lastToCaller } = calling(new ListPlan([[hopTo(`sip:${A}`), hopTo(`sip:${B}`)]], []));
    from(A, 401, WWW);
    from(B, 603);
    assert.deepEqual([lastToCaller().status, lastToCaller().headerCount('www-authenticate')], [603, 0]);
  });
});
