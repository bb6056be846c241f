import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Admission, type AdmissionBounds, type TransactionRoom } from '../../../src/sip/admission.js';
import { TrustedSources } from '../../../src/sip/trusted-sources.js';

const GREEDY = '192.0.2.66';

function admission(bounds: AdmissionBounds = {}, load = 0, tight = false) {
  const counters = { overload: { value: 0 }, share: { value: 0 } };
  const room: TransactionRoom & { made: number } = {
    load,
    max: 900,
    tight,
    made: 0,
    makeRoom: () => void room.made++,
  };
  return { counters, room, admission: new Admission(counters, bounds) };
}

describe('admission of new requests', () => {
  test('the cheapest check comes first: congestion, then the rate of the source, then transactions', () => {
    const asked: string[] = [];
    const congestion = { active: true, drops: () => false, refuses: () => asked.push('congestion') > 1 };
    const limiter = { take: () => (asked.push('rate') > 3 ? 7 : 0) };
    const it = admission({ congestion, limiter }, 900);
    assert.deepEqual(it.admission.refuses(GREEDY, false, it.room), { reason: 'Service Unavailable', retryAfter: 5 });
    assert.deepEqual([asked, it.counters.overload.value], [['congestion', 'rate'], 1]);
    assert.deepEqual(it.admission.refuses(GREEDY, false, it.room), { reason: 'Service Unavailable', retryAfter: 5 });
    assert.deepEqual(it.admission.refuses(GREEDY, true, it.room), { reason: 'Too Many Requests', retryAfter: 7 });
    assert.deepEqual(asked, ['congestion', 'rate', 'congestion', 'rate']);
  });

  test('a message is dropped unread only under congestion', () => {
    const congestion = { active: false, drops: () => true, refuses: () => true };
    const it = admission({ congestion });
    assert.deepEqual([it.admission.drops('INVITE', GREEDY), it.admission.congested], [false, false]);
    assert.equal(it.admission.refuses(GREEDY, false, it.room), undefined);
    congestion.active = true;
    assert.deepEqual([it.admission.drops('INVITE', GREEDY), it.admission.congested], [true, true]);
  });

  test('the source with the most transactions is refused when few are left, unless it is trusted; others are not', () => {
    const trusted = new TrustedSources();
    const it = admission({ trusted }, 850);
    it.admission.hold(GREEDY, 850);
    assert.equal(it.admission.refuses('192.0.2.1', false, it.room), undefined);
    assert.notEqual(it.admission.refuses(GREEDY, false, it.room), undefined);
    assert.equal(it.counters.share.value, 1);
    trusted.replace({ has: (address) => address === GREEDY });
    assert.equal(it.admission.refuses(GREEDY, false, it.room), undefined);
    it.admission.hold(GREEDY, -850);
    assert.equal(it.admission.sources, 0);
  });

  test('requests within dialogs may use an eighth more transactions', () => {
    const it = admission({}, 950);
    assert.equal(it.admission.refuses(GREEDY, true, it.room), undefined);
    assert.notEqual(it.admission.refuses(GREEDY, false, it.room), undefined);
  });

  test('when transactions are almost used up, old ones are removed before the check', () => {
    const it = admission({}, 500, true);
    assert.equal(it.admission.refuses(GREEDY, false, it.room), undefined);
    assert.equal(it.room.made, 1);
  });
});
