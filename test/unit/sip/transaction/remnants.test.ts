import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { COARSE_MS, TimerWheel } from '../../../../src/sip/timers.js';
import { Kind, Remnants } from '../../../../src/sip/transaction/remnants.js';
import type { SipSocket, Source } from '../../../../src/sip/transport/transport.js';
import { FakeClock } from '../../../support/fake-clock.js';

const source: Source = { socket: {} as SipSocket, address: '192.0.2.1', port: 5060, flow: undefined };

function remnants(stayMs = 32_000) {
  const clock = new FakeClock();
  const timers = new TimerWheel(clock, (error) => assert.fail(String(error)));
  return { clock, ring: new Remnants(timers, () => clock.monotonic(), stayMs) };
}

/**
 * Lengths of the texts in the property, as repetitions of a number: none, short ones, a long one, and one that is too
 * long to be stored.
 */
const SHARES = [1, 0, 3, 200, 1, 1000, 2];

/** The record at a slot, or undefined for -1. */
function at(ring: Remnants, slot: number) {
  if (slot < 0) return undefined;
  return {
    kind: ring.kindAt(slot),
    source: ring.sourceAt(slot),
    replyPort: ring.replyPortAt(slot),
    sentByPort: ring.sentByPortAt(slot),
    text: ring.textAt(slot),
  };
}

describe('Remnants', () => {
  test('finds all entries, also with the highest port', () => {
    const { ring } = remnants();
    ring.add(-5, 0x7fffffff, Kind.answered, source, 65_535, 65_534, 'SIP/2.0 200 OK\r\n\r\n');
    ring.add(0xfffffff0, 1, Kind.taken, undefined, 0, 5060, '');
    assert.deepEqual(at(ring, ring.find(-5, 0x7fffffff)), {
      kind: Kind.answered,
      source,
      replyPort: 65_535,
      sentByPort: 65_534,
      text: 'SIP/2.0 200 OK\r\n\r\n',
    });
    // A key has the same 32 bits, signed or unsigned.
    assert.deepEqual(at(ring, ring.find(0xfffffff0 | 0, 1)), {
      kind: Kind.taken,
      source: undefined,
      replyPort: 0,
      sentByPort: 5060,
      text: '',
    });
    assert.equal(ring.find(-5, 1), -1);
  });

  test('each entry is removed when its time is over, not before, and at most one timer interval later', () => {
    const { clock, ring } = remnants(5000);
    for (let i = 0; i < 49; i++) {
      ring.add(i, 0, Kind.settled, undefined, 0, 0, '');
      clock.advance(100);
    }
    // The first was added 4.9 s ago, the last 100 ms ago.
    assert.equal(ring.size, 49);
    for (let passed = 0; passed < 5000 + COARSE_MS + 40; passed += 20) {
      clock.advance(20);
      for (let i = 0; i < 49; i++) {
        const age = 4900 - 100 * i + passed + 20;
        if (age < 5000) assert.ok(ring.find(i, 0) >= 0, `${i} went after ${age} ms`);
        if (age > 5000 + COARSE_MS + 40) assert.equal(ring.find(i, 0), -1, `${i} is there after ${age} ms`);
      }
    }
    assert.equal(ring.size, 0);
  });

  test('property: finds the same entries as a list of the last 5 seconds, and the latest of several', () => {
    const step = fc.record({
      key: fc.integer({ min: 0, max: 3000 }),
      repeat: fc.integer({ min: 1, max: 700 }),
      wait: fc.integer({ min: 0, max: 2000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const { clock, ring } = remnants(5000);
        let model: { key: number; due: number; text: string }[] = [];
        let serial = 0;
        for (const { key, repeat, wait } of steps) {
          for (let i = 0; i < repeat; i++) {
            const each = {
              key: key + i * 1024,
              due: clock.monotonic() + 5000,
              text: `${serial}`.repeat(SHARES[serial++ % SHARES.length] ?? 0),
            };
            model.push(each);
            ring.add(each.key, 7, Kind.answered, source, 1, 2, each.text);
          }
          clock.advance(wait);
          // An expired entry may still exist.
          const late = clock.monotonic() - COARSE_MS - 40;
          model = model.filter(({ due }) => due > late);
          const last = new Map(model.map((each) => [each.key, each]));
          for (const { key: name, due, text } of last.values()) {
            const found = at(ring, ring.find(name, 7));
            if (due > clock.monotonic()) assert.equal(found?.text, text);
            else assert.ok(found === undefined || found.text === text);
          }
          assert.ok(ring.size <= model.length);
        }
        clock.advance(6000);
        assert.equal(ring.size, 0);
      }),
      { numRuns: 60 },
    );
  });

  test('grows to a hundred thousand entries and shrinks afterwards; when cleared it is empty', () => {
    const { clock, ring } = remnants(1000);
    for (let i = 0; i < 100_000; i++) ring.add(i * 7919, i, Kind.accepted, source, 1, 2, '');
    for (let i = 0; i < 100_000; i++) assert.ok(ring.find(i * 7919, i) >= 0);
    clock.advance(600);
    ring.add(1, 2, Kind.accepted, source, 1, 2, '');
    clock.advance(700);
    assert.equal(ring.size, 1);
    assert.ok(ring.find(1, 2) >= 0);
    for (let i = 0; i < 3; i++) {
      ring.add(i, i, Kind.accepted, source, 1, 2, '');
      clock.advance(1300);
    }
    assert.equal(ring.size, 0);
    ring.add(3, 4, Kind.accepted, source, 1, 2, '');
    ring.clear();
    assert.deepEqual([ring.size, ring.find(3, 4)], [0, -1]);
    ring.add(3, 4, Kind.accepted, source, 1, 2, '');
    clock.advance(1300);
    assert.equal(ring.size, 0);
  });

  test('an entry that is old enough may be dropped early, and its sender is notified', () => {
    const clock = new FakeClock();
    const timers = new TimerWheel(clock, (error) => assert.fail(String(error)));
    const recorded: string[] = [];
    const ring = new Remnants(
      timers,
      () => clock.monotonic(),
      32_000,
      ({ address }, length) => recorded.push(`${address} ${length}`),
    );
    ring.dropEarly(0);
    ring.add(1, 0, Kind.answered, source, 0, 0, 'first');
    ring.add(2, 0, Kind.answered, undefined, 0, 0, 'second');
    clock.advance(5000 - COARSE_MS);
    ring.dropEarly(5000);
    assert.deepEqual([ring.size, recorded], [2, []]);
    clock.advance(2 * COARSE_MS);
    ring.dropEarly(5000);
    assert.deepEqual([ring.find(1, 0), ring.size, recorded], [-1, 1, ['192.0.2.1 5']]);
    clock.advance(33_000);
    assert.deepEqual([ring.size, recorded.length], [0, 1]);
  });
});
