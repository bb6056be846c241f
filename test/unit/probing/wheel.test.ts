import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { phaseHash, Wheel, type WheelMember } from '../../../src/probing/wheel.js';
import { FakeClock } from '../../support/fake-clock.js';

interface Member extends WheelMember {
  readonly name: string;
}

function member(name: string): Member {
  return { name, slot: -1, position: 0 };
}

test('each member is visited once per revolution, at its own phase', () => {
  const clock = new FakeClock();
  const visits: [string, number][] = [];
  const wheel = new Wheel<Member>(clock, 1000, ({ name }) => visits.push([name, clock.monotonic()]));
  wheel.add(member('start'), 0);
  wheel.add(member('middle'), 2 ** 31);
  wheel.add(member('end'), 2 ** 32 - 1);
  wheel.start();
  clock.advance(2000 - 1);
  assert.deepEqual(visits, [
    ['start', 0],
    ['middle', 500],
    ['end', 995],
    ['start', 1000],
    ['middle', 1500],
    ['end', 1995],
  ]);
  wheel.stop();
  clock.advance(5000);
  assert.equal(visits.length, 6);
});

test('one timer, and none while the wheel is empty', () => {
  const clock = new FakeClock();
  const wheel = new Wheel<Member>(clock, 10_000, () => {});
  wheel.start();
  assert.equal(clock.pending, 0);
  const first = member('a');
  wheel.add(first, 77);
  wheel.add(member('b'), 2 ** 31);
  assert.equal(clock.pending, 1);
  wheel.remove(first);
  wheel.remove(first);
  assert.equal(wheel.size, 1);
  assert.equal(clock.pending, 1);
});

test('after the process did not run, no member is visited twice at once', () => {
  const clock = new FakeClock();
  let monotonic = 0;
  const slow = { ...clockOf(clock), monotonic: () => monotonic };
  const visits: string[] = [];
  const wheel = new Wheel<Member>(slow, 1000, ({ name }) => visits.push(name));
  for (let i = 0; i < 10; i++) wheel.add(member(`m${i}`), Math.floor((i / 10) * 2 ** 32));
  wheel.start();
  monotonic = 60_000;
  clock.advance(1);
  assert.equal(visits.length, 10);
  assert.equal(new Set(visits).size, 10);
});

function clockOf(clock: FakeClock) {
  return { now: () => clock.now(), schedule: (delay: number, run: () => void) => clock.schedule(delay, run) };
}

test('members may come and go at any time, also during a visit', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(30), fc.nat(400)), { maxLength: 60 }), (steps) => {
      const clock = new FakeClock();
      const present = new Map<number, Member>();
      const visits = new Map<string, number[]>();
      const wheel = new Wheel<Member>(clock, 1000, (each) => {
        visits.set(each.name, [...(visits.get(each.name) ?? []), clock.monotonic()]);
        if (each.name.endsWith('!')) wheel.remove(each);
      });
      wheel.start();
      let serial = 0;
      for (const [id, wait] of steps) {
        const known = present.get(id);
        if (known !== undefined) {
          wheel.remove(known);
          present.delete(id);
        } else {
          const added = member(`${serial++}${id === 7 ? '!' : ''}`);
          present.set(id, added);
          wheel.add(added, phaseHash(added.name, 0));
        }
        clock.advance(wait);
      }
      // Three complete revolutions; a visit at the first moment may have happened before.
      const from = clock.monotonic();
      visits.clear();
      clock.advance(3000);
      for (const each of present.values()) {
        const times = visits.get(each.name) ?? [];
        if (each.name.endsWith('!')) assert.ok(times.length <= 1);
        else assert.equal(times.filter((time) => time > from).length, 3, `${each.name} ${times} from ${from}`);
      }
    }),
    { numRuns: 60 },
  );
});

test('phases of neighbouring addresses are spread', () => {
  const buckets = new Array<number>(100).fill(0);
  for (let i = 0; i < 10_000; i++) {
    buckets[Math.floor((phaseHash(`default\n1\nsip:10.0.${i >> 8}.${i & 255}:5060\n`, 1) / 2 ** 32) * 100)]! += 1;
  }
  assert.ok(Math.max(...buckets) < 160 && Math.min(...buckets) > 50, buckets.join());
});
