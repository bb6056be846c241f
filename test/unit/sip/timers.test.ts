import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { COARSE_MS, TICK_MS, TimerWheel, WheelTimer } from '../../../src/sip/timers.js';
import { FakeClock } from '../../support/fake-clock.js';

class Probe extends WheelTimer {
  readonly fired: number[] = [];

  constructor(
    private readonly clock: FakeClock,
    private readonly also: (() => void) | undefined = undefined,
  ) {
    super();
  }

  onTimer(): void {
    this.fired.push(this.clock.monotonic());
    this.also?.();
  }
}

function wheel() {
  const clock = new FakeClock();
  const errors: unknown[] = [];
  return { clock, errors, wheel: new TimerWheel(clock, (error) => errors.push(error)) };
}

describe('TimerWheel', () => {
  test('property: no timer fires early, or more than two ticks late (loose timers a little more), whatever is armed when', () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 700 }),
      delay: fc.integer({ min: 0, max: 120_000 }),
      loose: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (steps) => {
        const { clock, wheel: timers } = wheel();
        const armed = steps.map(({ wait, delay, loose }) => {
          clock.advance(wait);
          const timer = new Probe(clock);
          if (loose) timers.armLoosely(timer, delay);
          else timers.arm(timer, delay);
          return { timer, due: clock.monotonic() + delay, max: 2 * TICK_MS + (loose ? COARSE_MS : 0) };
        });
        clock.advance(130_000);
        for (const { timer, due, max } of armed) {
          assert.equal(timer.fired.length, 1);
          const late = (timer.fired[0] as number) - due;
          assert.ok(late >= 0 && late <= max, `${late} ms late`);
        }
        assert.deepEqual([timers.size, clock.pending], [0, 0]);
      }),
      { numRuns: 60 },
    );
  });

  test('a delay longer than one revolution of the wheel is kept', () => {
    const { clock, wheel: timers } = wheel();
    const timer = new Probe(clock);
    timers.arm(timer, 180_000);
    clock.advance(179_999);
    assert.equal(timer.fired.length, 0);
    clock.advance(2 * TICK_MS + 1);
    assert.equal(timer.fired.length, 1);
  });

  test('a cancelled timer does not fire; cancelling twice, or an idle timer, has no effect', () => {
    const { clock, wheel: timers } = wheel();
    const timers3 = [new Probe(clock), new Probe(clock), new Probe(clock)] as const;
    for (const each of timers3) timers.arm(each, 100);
    timers.cancel(timers3[1]);
    timers.cancel(timers3[1]);
    timers.cancel(new Probe(clock));
    assert.equal(timers.size, 2);
    clock.advance(200);
    assert.deepEqual(
      timers3.map((each) => each.fired.length),
      [1, 0, 1],
    );
  });

  test('arming a timer again moves it', () => {
    const { clock, wheel: timers } = wheel();
    const timer = new Probe(clock);
    timers.arm(timer, 100);
    clock.advance(90);
    timers.arm(timer, 100);
    assert.equal(timers.size, 1);
    clock.advance(95);
    assert.equal(timer.fired.length, 0);
    clock.advance(30);
    assert.equal(timer.fired.length, 1);
  });

  test('a callback may arm its own timer again', () => {
    const { clock, wheel: timers } = wheel();
    const timer: Probe = new Probe(clock, () => {
      if (timer.fired.length < 4) timers.arm(timer, 50);
    });
    timers.arm(timer, 50);
    clock.advance(1000);
    assert.equal(timer.fired.length, 4);
    for (let i = 1; i < 4; i++) assert.ok((timer.fired[i] as number) - (timer.fired[i - 1] as number) >= 50);
    assert.equal(timers.size, 0);
  });

  test('a callback may cancel or move one that is due in the same tick', () => {
    const { clock, wheel: timers } = wheel();
    const victims = [new Probe(clock), new Probe(clock)] as const;
    const act = () => {
      timers.cancel(victims[0]);
      timers.arm(victims[1], 500);
    };
    const first = new Probe(clock, act);
    const last = new Probe(clock, act);
    // In any order within a tick, one of the two runs before both victims.
    for (const each of [first, ...victims, last]) timers.arm(each, 100);
    clock.advance(200);
    assert.deepEqual([first.fired.length, last.fired.length], [1, 1]);
    assert.equal(victims[0].fired.length, 0, 'cancelled in the tick it was due');
    assert.equal(victims[1].fired.length, 0, 'moved in the tick it was due');
    clock.advance(500);
    assert.equal(victims[1].fired.length, 1);
    assert.equal(timers.size, 0);
  });

  test('an error of one callback does not prevent the others', () => {
    const { clock, wheel: timers, errors } = wheel();
    const good = [new Probe(clock), new Probe(clock)];
    const bad = new Probe(clock, () => {
      throw new Error('no');
    });
    for (const each of [good[0] as Probe, bad, good[1] as Probe]) timers.arm(each, 10);
    clock.advance(100);
    assert.deepEqual([good[0]?.fired.length, good[1]?.fired.length, errors.length], [1, 1, 1]);
  });

  test('after the process did not run every due timer fires once', () => {
    const { clock } = wheel();
    // A clock with late timers: monotonic time advances, scheduled callbacks run only on `advance`.
    let late: (() => void) | undefined;
    let now = 0;
    const timers = new TimerWheel(
      {
        now: () => now,
        monotonic: () => now,
        schedule(_delay, run) {
          late = run;
          return () => {
            late = undefined;
          };
        },
      },
      () => {},
    );
    const all = Array.from({ length: 50 }, (_, i) => {
      const timer = new Probe(clock);
      timers.arm(timer, i * 3000);
      return timer;
    });
    now = 100_000;
    late?.();
    assert.equal(all.filter((each) => each.fired.length === 1).length, 34);
    now = 300_000;
    late?.();
    assert.ok(all.every((each) => each.fired.length === 1));
  });

  test('a stopped timer wheel fires nothing', () => {
    const { clock, wheel: timers } = wheel();
    const timer = new Probe(clock);
    timers.arm(timer, 10);
    timers.stop();
    timers.arm(new Probe(clock), 10);
    clock.advance(100);
    assert.deepEqual([timer.fired.length, timers.size, clock.pending], [0, 0, 0]);
  });
});
