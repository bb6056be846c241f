import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CompiledDestination, newHealth } from '../../../src/engine/compiled-destination.js';
import { CompiledSet, NONE } from '../../../src/engine/compiled-set.js';
import { RunningWeights } from '../../../src/engine/running-weights.js';
import { row } from '../../support/partitions.js';

interface Member {
  readonly weight: number;
  readonly active: boolean;
}

function setOf(members: readonly Member[]): CompiledSet {
  const availability = { version: 0 };
  const destinations = members.map(({ weight, active }, i) => {
    const health = newHealth(active ? 'active' : 'inactive', availability);
    const destination = new CompiledDestination('p', row(`sip:10.0.0.${i}`, { weight }), health, undefined);
    destination.index = i;
    return destination;
  });
  return new CompiledSet(1, destinations, availability);
}

const weight = fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 2_000_000_000 }));
const members = fc.array(fc.record({ weight, active: fc.boolean() }), { minLength: 1, maxLength: 40 });
const hash = fc.integer({ min: 1, max: 0xffffffff });

/** The rule as documented, one position after the other. */
function plainByHash(all: readonly Member[], hashed: number, end: number): number {
  const total = all.slice(0, end).reduce((sum, each) => sum + each.weight, 0);
  let candidate = total > 0 ? -1 : hashed % end;
  for (let i = 0, sum = 0; candidate < 0; i++) {
    sum += (all[i] as Member).weight;
    if (sum > hashed % total) candidate = i;
  }
  if (all[candidate]?.active === true) return candidate;
  const up = all.map((each, i) => ({ ...each, i })).filter((each) => each.active && each.i < end);
  if (up.length === 0) return NONE;
  const upTotal = up.reduce((sum, each) => sum + each.weight, 0);
  if (upTotal === 0) return up[hashed % up.length]?.i ?? NONE;
  let sum = 0;
  return up.find((each) => (sum += each.weight) > hashed % upTotal)?.i ?? NONE;
}

function plainStep(all: readonly Member[], candidate: number, end: number): number {
  if (all[candidate]?.active === true) return candidate;
  for (let step = 1, at = candidate; step <= end; step++) {
    at = (at + 1) % end;
    if (all[at]?.active === true) return at;
  }
  return NONE;
}

describe('a compiled set', () => {
  test('chooses by hash as documented, with any weights and any destinations down', () => {
    fc.assert(
      fc.property(members, hash, fc.boolean(), (all, hashed, useDefault) => {
        const end = useDefault && all.length > 1 ? all.length - 1 : all.length;
        assert.equal(setOf(all).byHash(hashed, end), plainByHash(all, hashed, end));
      }),
      { numRuns: 500 },
    );
  });

  test('steps to the next active position and counts them', () => {
    fc.assert(
      fc.property(members, fc.nat(), fc.boolean(), (all, start, useDefault) => {
        const end = useDefault && all.length > 1 ? all.length - 1 : all.length;
        const candidate = start % all.length;
        const set = setOf(all);
        assert.equal(set.stepToActive(candidate, end), plainStep(all, candidate, end));
        assert.equal(set.activeBefore(end), all.slice(0, end).filter((each) => each.active).length);
        const after = all.findIndex((each, i) => i >= candidate && i < end && each.active);
        assert.equal(set.nextActive(candidate, end), after);
      }),
    );
  });

  test('uses a changed availability as soon as its version has changed', () => {
    fc.assert(
      fc.property(
        members,
        fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 20 }),
        hash,
        (all, flips, hashed) => {
          const set = setOf(all);
          const now = all.map((each) => ({ ...each }));
          for (const [at, active] of flips) {
            const position = at % all.length;
            const { health } = set.destinations[position] as CompiledDestination;
            health.state = active ? 'active' : 'probing';
            set.availability.version++;
            now[position] = { weight: (all[position] as Member).weight, active };
            assert.equal(set.byHash(hashed, all.length), plainByHash(now, hashed, all.length));
          }
        },
      ),
    );
  });

  test('round robin selects each destination as often in sequence as its weight says, weight 0 like 1', () => {
    const set = setOf([1, 4, 0, 2].map((each) => ({ weight: each, active: true })));
    const taken: number[] = [];
    for (let i = 0; i < 16; i++) {
      const position = set.stepToActive(set.roundRobin(4), 4);
      set.last = position;
      set.countChoice(position);
      taken.push(position);
    }
    assert.deepEqual(taken, [0, 1, 1, 1, 1, 2, 3, 3, 0, 1, 1, 1, 1, 2, 3, 3]);
  });

  test('round robin continues at its position after a reload', () => {
    const set = setOf([3, 3, 3].map((each) => ({ weight: each, active: true })));
    set.last = 1;
    set.countChoice(1);
    const [a, b, c] = set.destinations as [CompiledDestination, CompiledDestination, CompiledDestination];
    const later = new CompiledSet(1, [c, a, b], set.availability);
    later.continueFrom(set);
    assert.equal(later.last, 2);
    assert.deepEqual([later.roundRobin(3), later.roundRobin(3)], [2, 2]);
    later.countChoice(2);
    later.countChoice(2);
    assert.equal(later.roundRobin(3), 0);
  });
});

describe('running weights', () => {
  test('a value is found in the entry whose range of summed weights contains it', () => {
    fc.assert(
      fc.property(
        fc.array(weight, { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (all, at) => {
          const running = new RunningWeights(all.length);
          for (const each of all) running.add(each);
          running.finish();
          const total = all.reduce((sum, each) => sum + each, 0);
          assert.equal(running.totalOf(all.length), total);
          if (total === 0) return;
          const value = Math.min(Math.floor(at * total), total - 1);
          let sum = 0;
          assert.equal(
            running.find(value),
            all.findIndex((each) => (sum += each) > value),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  test('cumulative weights can be cleared and filled again', () => {
    const running = new RunningWeights(20);
    for (let i = 0; i < 20; i++) running.add(i);
    running.finish();
    assert.equal(running.find(189), 19);
    running.clear();
    for (let i = 0; i < 3; i++) running.add(7);
    running.finish();
    assert.deepEqual([running.find(0), running.find(7), running.find(20)], [0, 1, 2]);
  });
});
