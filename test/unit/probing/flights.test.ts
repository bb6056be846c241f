import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Flights } from '../../../src/probing/flights.js';
import type { ProbeOutcome } from '../../../src/probing/probe.js';
import type { Watched } from '../../../src/probing/roster.js';
import { FakeClock } from '../../support/fake-clock.js';

/** Probes of 500 ms on a clock whose process may stall: time advances, timers do not run. */
function makeFlights() {
  const fake = new FakeClock();
  let stoodStill = 0;
  const clock = {
    now: () => fake.now() + stoodStill,
    monotonic: () => fake.monotonic() + stoodStill,
    schedule: (delayMs: number, run: () => void) => fake.schedule(delayMs, run),
  };
  const answers: ((outcome: ProbeOutcome) => void)[] = [];
  const outcomes: ProbeOutcome[] = [];
  const flights = new Flights({
    clock,
    limit: 10,
    timeoutMs: 500,
    wanted: () => true,
    send: (_member, done) => {
      answers.push(done);
      return () => {};
    },
    ended: (_flight, outcome) => void outcomes.push(outcome),
    cancelFailed: () => {},
  });
  const member = () => ({ queued: false, flight: undefined, partition: { partition: {} } }) as unknown as Watched;
  return {
    fake,
    flights,
    answers,
    outcomes,
    member,
    standStill: (ms: number) => {
      stoodStill += ms;
    },
  };
}

describe('flights', () => {
  test('after the process was stopped for a while, answers that wait are read before a probe times out', () => {
    const it = makeFlights();
    for (let i = 0; i < 3; i++) it.flights.request(it.member());
    it.standStill(700);
    it.fake.advance(500);
    assert.deepEqual(it.outcomes, []);
    it.answers[0]?.({ code: 200 });
    it.answers[2]?.({ code: 503 });
    it.fake.advance(100);
    assert.deepEqual(
      it.outcomes.map(({ code }) => code),
      [200, 503, 408],
    );
    assert.equal(it.fake.pending, 0);
  });

  test('a probe times out at the deadline, and later if the process is stopped again and again', () => {
    const it = makeFlights();
    it.flights.request(it.member());
    for (let i = 0; i < 3; i++) {
      it.standStill(200);
      it.fake.advance(i === 0 ? 500 : 100);
      assert.deepEqual(it.outcomes, []);
    }
    it.standStill(200);
    it.fake.advance(100);
    assert.equal(it.outcomes[0]?.cause, 'timeout');
    it.flights.request(it.member());
    it.fake.advance(499);
    assert.equal(it.outcomes.length, 1);
    it.fake.advance(1);
    assert.equal(it.outcomes.length, 2);
  });
});
