import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { CompiledSet } from '../../../../src/engine/compiled-set.js';
import type { DispatchContext } from '../../../../src/engine/dispatch-context.js';
import { liveOf } from '../../../../src/engine/kamailio/live.js';
import { announceOverload } from '../../../../src/engine/kamailio/overload.js';
import { planOf } from '../../../../src/engine/kamailio/set-plan.js';
import type { SelectTarget } from '../../../../src/engine/selection.js';
import { KamailioBench, kamailioRows } from '../../../support/kamailio.js';
import { request, row } from '../../../support/partitions.js';

const [A, B, C, D] = ['sip:10.0.0.1', 'sip:10.0.0.2', 'sip:10.0.0.3', 'sip:10.0.0.4'] as const;

describe('a destination that is down', () => {
  const calls = (i: number) => ({ callId: `call-${i}` });

  test('its hashed calls are spread over all others; other calls keep their destinations', () => {
    const bench = new KamailioBench(kamailioRows(['', '', '', '', '', '']));
    const before = Array.from({ length: 6000 }, (_, i) => bench.select(0, calls(i))?.[0]);
    bench.down(B);
    const gained: Record<string, number> = {};
    before.forEach((uri, i) => {
      const now = bench.select(0, calls(i))?.[0] as string;
      if (uri !== B) assert.equal(now, uri);
      else gained[now] = (gained[now] ?? 0) + 1;
    });
    assert.equal(Object.keys(gained).length, 5);
    for (const count of Object.values(gained)) assert.ok(count > 120 && count < 290, JSON.stringify(gained));
  });

  test('calls of two destinations that are down are spread over all others', () => {
    const bench = new KamailioBench(kamailioRows(['', '', '', '', '', '']));
    bench.down(A);
    bench.down(D);
    const shares = bench.shares(0, 6000, calls);
    assert.equal(Object.keys(shares).length, 4);
    for (const count of Object.values(shares)) assert.ok(count > 1200 && count < 1800, JSON.stringify(shares));
  });

  test('the next one gets all its calls in a strict partition, as recorded', () => {
    const bench = new KamailioBench(kamailioRows(['', '', '']), { compat: 'strict' });
    const before = Array.from({ length: 900 }, (_, i) => bench.select(0, calls(i))?.[0]);
    bench.down(B);
    for (const [i, uri] of before.entries()) assert.equal(bench.select(0, calls(i))?.[0], uri === B ? A : uri);
  });

  test('does not give the next one twice as many calls in round robin', () => {
    const bench = new KamailioBench(kamailioRows(['', '', '', '']));
    bench.down(B);
    assert.deepEqual(bench.shares(4, 300), { [A]: 100, [C]: 100, [D]: 100 });
  });
});

describe('shares by weight', () => {
  test('weights whose sum is above 100 are all used, as shares', () => {
    const bench = new KamailioBench(kamailioRows(['weight=60', 'weight=60', 'weight=60']));
    assert.deepEqual(bench.shares(9, 300), { [A]: 100, [B]: 100, [C]: 100 });
    const strict = new KamailioBench(kamailioRows(['weight=60', 'weight=60', 'weight=60']), { compat: 'strict' });
    assert.deepEqual(strict.shares(9, 100), { [C]: 60, [B]: 40 });
  });

  test('by default a weight above 100 counts', () => {
    const bench = new KamailioBench(kamailioRows(['weight=300', 'weight=100']));
    assert.deepEqual(bench.shares(9, 400), { [A]: 300, [B]: 100 });
  });

  test('a row without weight gets no calls and affects no other row; if no row has a weight all get the same', () => {
    assert.deepEqual(new KamailioBench(kamailioRows(['weight=50', 'weight=50', ''])).shares(9, 100), {
      [A]: 50,
      [B]: 50,
    });
    assert.deepEqual(new KamailioBench(kamailioRows(['', ''])).shares(9, 100), { [A]: 50, [B]: 50 });
  });

  test('the share of an inactive destination goes to all others by weight', () => {
    const bench = new KamailioBench(kamailioRows(['weight=50', 'weight=30', 'weight=20']));
    bench.down(A);
    assert.deepEqual(bench.shares(9, 100), { [B]: 60, [C]: 40 });
    bench.up(A);
    assert.deepEqual(bench.shares(9, 100), { [A]: 50, [B]: 30, [C]: 20 });
  });

  test('relative weights are exact for many destinations', () => {
    const bench = new KamailioBench(kamailioRows(Array.from({ length: 30 }, () => 'rweight=10')));
    assert.ok(Object.values(bench.shares(11, 3000)).every((count) => count === 100));
    const strict = new KamailioBench(kamailioRows(Array.from({ length: 30 }, () => 'rweight=10')), {
      compat: 'strict',
    });
    assert.deepEqual([...new Set(Object.values(strict.shares(11, 100)))].sort(), [13, 3]);
  });

  test('every round is exact, whatever the weights and whichever destinations are down', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(weights, fc.nat(), fc.boolean(), (all, victim, relative) => {
        const name = relative ? 'rweight' : 'weight';
        const bench = new KamailioBench(kamailioRows(all.map((weight) => `${name}=${weight}`)));
        const left = [...all];
        if (all.length > 1) {
          bench.down(`sip:10.0.0.${(victim % all.length) + 1}`);
          left[victim % all.length] = 0;
        }
        const sum = left.reduce((a, b) => a + b, 0);
        const shares = bench.shares(relative ? 11 : 9, sum);
        for (const [i, weight] of left.entries()) assert.equal(shares[`sip:10.0.0.${i + 1}`] ?? 0, weight);
      }),
      { numRuns: 60 },
    );
  });
});

describe('algorithms of 6.x', () => {
  test('14: round robin among the destinations of the highest priority above 0, else the first', () => {
    const equal = new KamailioBench(kamailioRows(['', ''], { priority: 5 }));
    assert.deepEqual(equal.shares(14, 10), { [A]: 5, [B]: 5 });
    assert.deepEqual(new KamailioBench(kamailioRows(['', ''])).shares(14, 10), { [B]: 10 });
  });

  test('15: by weight among the lowest priority number, and among the next number when all of the lowest are down', () => {
    const rows = [
      row(A, { priority: 10, attrs: 'weight=75' }),
      row(B, { priority: 10, attrs: 'weight=25' }),
      row(C, { priority: 20, attrs: 'weight=50' }),
    ];
    const bench = new KamailioBench(rows);
    assert.deepEqual(bench.shares(15, 100), { [A]: 75, [B]: 25 });
    assert.deepEqual(bench.select(15)?.[2], C);
    bench.down(A);
    bench.down(B);
    assert.deepEqual(bench.shares(15, 10), { [C]: 10 });
  });

  test('64: a destination that announces overload is skipped for the announced share of its calls', () => {
    const bench = new KamailioBench(kamailioRows(['', '']));
    announceOverload(bench.partition, 1, B, { rate: 50, time: 1000, seq: 1 });
    assert.deepEqual(bench.shares(64, 300), { [A]: 200, [B]: 100 });
  });

  test('a strict partition that follows 5.6 knows none of them: the first is taken', () => {
    const bench = new KamailioBench(kamailioRows(['', ''], { priority: 5 }), { compat: 'strict' });
    for (const algorithm of [14, 15, 64]) assert.deepEqual(bench.shares(algorithm, 5), { [B]: 5 });
  });
});

describe('the default destination', () => {
  const rows = kamailioRows(['', '', '']);

  test('is not selected like the others, and comes last', () => {
    const bench = new KamailioBench(rows, { options: { useDefault: true } });
    assert.deepEqual(bench.select(8), [C, B, A]);
    assert.deepEqual(bench.shares(4, 10), { [C]: 5, [B]: 5 });
    bench.down(C);
    bench.down(B);
    assert.deepEqual(bench.select(4), [A]);
  });

  test('is once in the list by latency', () => {
    const bench = new KamailioBench(rows, { options: { useDefault: true } });
    for (let i = 0; i < 6; i++) {
      const listed = bench.select(13) ?? [];
      assert.equal(new Set(listed).size, 3);
      assert.equal(listed[2], A);
    }
  });
});

test('parallel targets are those that are up', () => {
  const bench = new KamailioBench(kamailioRows(['', '', '', '']));
  bench.down(B);
  const chosen = bench.choose(12);
  const lists = chosen?.context.of(bench.partition);
  assert.equal(lists?.current?.row.uri, D);
  assert.deepEqual(
    lists?.branches?.map((each) => each.row.uri),
    [C, A],
  );
});

test('parallel targets in a strict partition leave the list of the selection before, as recorded', () => {
  const bench = new KamailioBench(kamailioRows(['', '', '']), { compat: 'strict' });
  const routes = (targets: readonly number[]) => ({
    problem: undefined,
    targets: targets.map((algorithm) => ({ setId: 1, algorithm, flags: 0, maxResults: 0 })),
  });
  for (const selectAgain of [
    (context: DispatchContext) => context.selectRoutes(bench.partition, routes([12, 12]), request(), 'request-uri'),
    (context: DispatchContext) =>
      context.selectOne(bench.partition, routes([12]).targets[0] as SelectTarget, request()),
  ]) {
    const chosen = bench.choose(8);
    assert.deepEqual(chosen?.listed, [C, B, A]);
    selectAgain(chosen.context);
    const lists = chosen.context.of(bench.partition);
    assert.deepEqual(
      lists?.listed().map((each) => each.row.uri),
      [C, B, A],
    );
    assert.equal(lists?.count, 0);
    assert.equal(chosen.context.next(bench.partition)?.row.uri, B);
  }
});

test('rendezvous hashing works for this flavour too, by its weights', () => {
  const bench = new KamailioBench(kamailioRows(['weight=10', 'weight=10', 'weight=20']));
  const calls = (i: number) => ({ callId: `call-${i}` });
  const before = Array.from({ length: 4000 }, (_, i) => bench.select(100, calls(i))?.[0]);
  const heavy = before.filter((uri) => uri === C).length;
  assert.ok(heavy > 1850 && heavy < 2150, `${heavy}`);
  bench.down(A);
  before.forEach((uri, i) => {
    if (uri !== A) assert.equal(bench.select(100, calls(i))?.[0], uri);
  });
});

test('the second destination in a list is the one that would be chosen without the first', () => {
  const bench = new KamailioBench(kamailioRows(['', '', '', '']));
  const listed = bench.select(100, { callId: 'x' }) ?? [];
  bench.down(listed[0] as string);
  assert.deepEqual(bench.select(100, { callId: 'x' }), listed.slice(1));
});

describe('overload control', () => {
  test('an announcement holds for its time, and is replaced only by a newer one', () => {
    const bench = new KamailioBench(kamailioRows(['ocmin=10;ocmax=60', '']));
    const announce = (rate: number, seq: number) => announceOverload(bench.partition, 1, A, { rate, time: 1000, seq });
    assert.equal(announce(50, 5), 1);
    assert.deepEqual(bench.shares(64, 300), { [A]: 100, [B]: 200 });
    assert.equal(announce(0, 5), -2);
    assert.equal(announce(100, 6), 1);
    // Not more than ocmax permits.
    assert.equal(liveOf(bench.partition.find(1, A) ?? assert.fail()).overload?.rate, 60);
    bench.clock.time += 1000;
    assert.deepEqual(bench.shares(64, 10), { [A]: 5, [B]: 5 });
    assert.equal(announceOverload(bench.partition, 9, A, { rate: 1, time: 0, seq: 9 }), -1);
  });

  test('when all destinations are skipped, the call is refused', () => {
    const bench = new KamailioBench(kamailioRows(['', '']));
    for (const uri of [A, B]) announceOverload(bench.partition, 1, uri, { rate: 100, time: 1000, seq: 1 });
    assert.equal(bench.select(64), undefined);
  });
});

test('congestion control reduces the share of a destination whose latency is above its average', () => {
  const bench = new KamailioBench(
    kamailioRows(['latency=10;cc=1;weight=50;rweight=50', 'latency=30;cc=1;weight=50;rweight=50']),
  );
  const set = bench.partition.snapshot.sets.get(1) as CompiledSet;
  assert.deepEqual(bench.shares(11, 100), { [A]: 50, [B]: 50 });
  const live = liveOf(bench.partition.find(1, A) ?? assert.fail());
  // Recorded: a preset of 10 ms and an actual latency of 60 ms leave 45, 41, 37 ... of 50.
  for (const [i, latency] of [61, 61, 61].entries()) {
    live.latency?.observe(latency, 0.9);
    planOf(set, false).congestionChanged();
    assert.equal(live.congestedWeight, [45, 41, 37][i]);
  }
  assert.deepEqual(bench.shares(11, 87), { [A]: 37, [B]: 50 });
});
