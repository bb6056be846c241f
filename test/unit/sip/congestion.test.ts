import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Congestion } from '../../../src/sip/congestion.js';

const FULL = 32;
const INVITE = 'INVITE sip:a@b SIP/2.0\r\n';

function congested(trusted: readonly string[] = []) {
  let now = 0;
  const events: string[] = [];
  const congestion = new Congestion(
    () => now,
    {
      begun: () => events.push('begun'),
      ended: (refused, dropped) => events.push(`ended ${refused > 0} ${dropped > 0}`),
    },
    { has: (address) => trusted.includes(address) },
  );
  for (let i = 0; i < 256; i++) congestion.handled(FULL, true);
  /** One period with a number of requests by source; returns how many were accepted. */
  const period = (sent: Readonly<Record<string, number>>, behind: boolean, text = INVITE) => {
    const taken: Record<string, number> = {};
    for (const [source, count] of Object.entries(sent)) {
      taken[source] = 0;
      for (let i = 0; i < count; i++) {
        if (!congestion.active || (!congestion.drops(text, source) && !congestion.refuses(source))) taken[source]++;
      }
    }
    if (!behind) congestion.handled(1, false);
    now += 100;
    congestion.handled(FULL, true);
    return taken;
  };
  return { congestion, events, period, pass: (ms: number) => (now += ms) };
}

test('congestion starts when more was read without a pause than a buffer can hold, not for a burst', () => {
  let now = 0;
  const congestion = new Congestion(() => now++);
  for (let i = 0; i < 10; i++) {
    for (let j = 0; j < 200; j++) congestion.handled(FULL, true);
    congestion.handled(FULL - 1, false);
  }
  assert.equal(congestion.active, false);
  for (let j = 0; j < 256; j++) congestion.handled(FULL, true);
  assert.equal(congestion.active, true);
});

describe('during congestion', () => {
  test('the busiest sources are reduced until the program keeps up; others are not affected', () => {
    const { congestion, period } = congested();
    assert.deepEqual(period({ flood: 6000, caller: 30 }, true), { flood: 6000, caller: 30 });
    const seen: number[] = [];
    for (let i = 0; i < 5; i++) {
      const taken = period({ flood: 6000, caller: 30 }, true);
      assert.equal(taken['caller'], 30);
      seen.push(taken['flood'] ?? 0);
    }
    // A minimum part is accepted at any load, since rejections cost time as well.
    assert.deepEqual(seen, [3000, 1500, 750, 375, 375]);
    assert.ok(congestion.dropped > 0 && congestion.refused > 0);
    const slower = [period({ flood: 6000 }, false), period({ flood: 6000 }, false)].map(({ flood }) => flood);
    assert.deepEqual(slower, [375, 413]);
  });

  test('two sources with equal rates are reduced equally; the level has a minimum', () => {
    const { period } = congested();
    for (let i = 0; i < 20; i++) period({ a: 200, b: 200 }, true);
    assert.deepEqual(period({ a: 200, b: 200, c: 29 }, true), { a: 30, b: 30, c: 29 });
  });

  test('replies are never dropped, and trusted sources never refused', () => {
    const { congestion, period } = congested(['sbc']);
    for (let i = 0; i < 8; i++) period({ flood: 6000, sbc: 3000 }, true);
    assert.equal(period({ sbc: 3000 }, true)['sbc'], 3000);
    period({ flood: 6000 }, true);
    assert.equal(congestion.drops('SIP/2.0 200 OK\r\n', 'flood'), false);
  });

  test('addresses of one IPv6 network are one source', () => {
    const { period } = congested();
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`2001:db8::${i + 1}`, 50]));
    period(many, true);
    const taken = Object.values(period(many, true)).reduce((sum, each) => sum + each);
    assert.equal(taken, 2500);
  });
});

test('ends when no source has sent too much for two seconds, or nothing arrived', () => {
  const { congestion, events, period, pass } = congested();
  for (let i = 0; i < 8; i++) period({ flood: 6000 }, true);
  for (let i = 0; i < 25; i++) period({ caller: 5 }, false);
  assert.deepEqual([congestion.active, events], [false, ['begun', 'ended true true']]);
  for (let i = 0; i < 256; i++) congestion.handled(FULL, true);
  assert.equal(congestion.active, true);
  pass(5000);
  congestion.handled(1, false);
  assert.deepEqual(events.slice(2), ['begun', 'ended false false']);
});
