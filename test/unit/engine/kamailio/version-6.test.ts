import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Destination } from '../../../../src/engine/destination.js';
import { liveOf } from '../../../../src/engine/kamailio/live.js';
import { announceOverload } from '../../../../src/engine/kamailio/overload.js';
import { markBits } from '../../../../src/engine/kamailio/states.js';
import { KamailioBench, kamailioRows } from '../../../support/kamailio.js';
import { row } from '../../../support/partitions.js';

/** Recorded from 5.6.3 and 6.2.0-dev1; rows are numbered as in the list file. */

const uriOf = (n: number) => `sip:127.0.0.1:${7000 + n}`;
const six = { version: '6' } as const;

function bench(
  rows: readonly { priority?: number; attrs?: string; flags?: number }[],
  over: ConstructorParameters<typeof KamailioBench>[1] = {},
): KamailioBench {
  return new KamailioBench(
    rows.map(({ flags = 0, ...each }, i) =>
      row(uriOf(i + 1), { ...each, flags, state: (flags & 5) === 0 ? 'active' : 'inactive' }),
    ),
    over,
  );
}

/** "3>2>1": the order for a call by row number. */
const order = (it: KamailioBench, algorithm: number, over = {}) =>
  (it.select(algorithm, over) ?? []).map((uri) => Number(uri.slice(-4)) - 7000).join('>');

const firstOf = (it: KamailioBench, uri: string): Destination => it.partition.find(1, uri) as Destination;

describe('flag 32', () => {
  test('is shown as N and stops all pings in 6; is ignored in 5.6', () => {
    for (const [version, letters, pinged] of [
      ['5.6', 'AX', true],
      ['6', 'AN', false],
    ] as const) {
      const it = bench([{ flags: 32 }], { version, options: { probingMode: 1 } });
      const destination = firstOf(it, uriOf(1));
      assert.equal(it.partition.flavour.view(destination).letters, letters);
      assert.equal(it.partition.flavour.wantsProbe(destination, false), pinged);
    }
    assert.equal(letters([{ flags: 40 }], '6'), 'AP');
    assert.equal(letters([{ flags: 33 }], '6'), 'IN');
    assert.equal(letters([{ flags: 48 }], '6'), 'AN');
  });

  test('is cleared by set_state in 6', () => {
    const it = bench([{ flags: 32 }], six);
    const destination = firstOf(it, uriOf(1));
    it.engine.states.apply({ destination, kind: 'set', mark: { bits: 1, how: 'set' }, origin: 'mi', reason: 'x' });
    assert.equal(it.partition.flavour.view(destination).letters, 'IX');
    assert.equal(liveOf(destination).bits & 32, 0);
  });

  function letters(rows: Parameters<typeof bench>[0], version: '5.6' | '6'): string {
    const it = bench(rows, { version });
    return it.partition.flavour.view(firstOf(it, uriOf(1))).letters;
  }
});

describe('marks of scripts', () => {
  test('t makes a destination inactive at once in 6, and at the threshold in 5.6', () => {
    for (const [version, expected] of [
      ['5.6', ['TX', 'TX', 'IX']],
      ['6', ['IX', 'IX', 'IX']],
    ] as const) {
      const it = bench([{}], { version, options: { probingThreshold: 3 } });
      const destination = firstOf(it, uriOf(1));
      const seen = expected.map(() => {
        const wanted = it.partition.flavour.markOf('t') ?? {};
        it.engine.states.apply({ destination, kind: 'set', ...wanted, origin: 'script', reason: 'x' });
        return it.partition.flavour.view(destination).letters;
      });
      assert.deepEqual(seen, expected);
    }
    assert.equal(markBits('tp', bench([{}]).options), 10);
  });

  test('failed pings count up in state T in both versions', () => {
    const it = bench([{}], { version: '6', options: { probingThreshold: 3, probingMode: 1 } });
    const destination = firstOf(it, uriOf(1));
    const seen = [1, 2, 3].map(() => {
      it.engine.states.apply({ destination, kind: 'failure', origin: 'probe', reason: 'x' });
      const { letters, probingCount } = it.partition.flavour.view(destination);
      return `${letters}/${probingCount}`;
    });
    assert.deepEqual(seen, ['TP/1', 'TP/2', 'IP/0']);
  });
});

describe('algorithm 15', () => {
  test('the failover order is that of the set, from the chosen one on', () => {
    const rows = [
      { priority: 1, attrs: 'weight=75' },
      { priority: 1, attrs: 'weight=25' },
      { priority: 2, attrs: 'weight=100' },
    ];
    for (const compat of ['default', 'strict'] as const) {
      const it = bench(rows, { ...six, compat });
      const counts: Record<string, number> = {};
      for (let i = 0; i < 200; i++) {
        const key = order(it, 15);
        counts[key] = (counts[key] ?? 0) + 1;
      }
      assert.deepEqual(counts, { '1>3>2': 150, '2>1>3': 50 });
    }
  });

  test('strict: shares are those of a table made at load, whose remaining entries go to the first line of the group', () => {
    const shares = (rows: Parameters<typeof bench>[0]) => {
      const it = bench(rows, { ...six, compat: 'strict' });
      const counts: Record<number, number> = {};
      for (let i = 0; i < 300; i++) {
        const n = Number(order(it, 15).split('>')[0]);
        counts[n] = (counts[n] ?? 0) + 1;
      }
      return counts;
    };
    const weights = (...given: number[]) => given.map((each) => ({ priority: 1, attrs: `weight=${each}` }));
    assert.deepEqual(shares(weights(33, 33, 33)), { 1: 102, 2: 99, 3: 99 });
    assert.deepEqual(shares(weights(1, 2)), { 1: 102, 2: 198 });
    assert.deepEqual(shares(weights(10, 20, 40)), { 1: 45, 2: 84, 3: 171 });
    assert.deepEqual(shares([{}, {}, {}]), { 1: 102, 2: 99, 3: 99 });
    assert.deepEqual(shares(Array.from({ length: 7 }, () => ({ priority: 1 })))[1], 48);
    assert.deepEqual(shares([{}, { attrs: 'weight=50' }, {}]), { 2: 300 });
    assert.deepEqual(shares(weights(150, 50)), { 2: 300 });
    assert.deepEqual(shares(weights(75, 25, 50)), { 1: 153, 2: 48, 3: 99 });
  });

  test('strict: the entries of a destination that is down go to the next in order, also of another group', () => {
    const it = bench(
      [
        { priority: 1, attrs: 'weight=75' },
        { priority: 1, attrs: 'weight=25' },
        { priority: 1, attrs: 'weight=50' },
        { priority: 2, attrs: 'weight=10' },
      ],
      { ...six, compat: 'strict' },
    );
    order(it, 15);
    const destination = firstOf(it, uriOf(1));
    it.engine.states.apply({ destination, kind: 'set', mark: { bits: 1, how: 'set' }, origin: 'mi', reason: 'x' });
    const counts: Record<string, number> = {};
    for (let i = 0; i < 300; i++) {
      const key = order(it, 15);
      counts[key] = (counts[key] ?? 0) + 1;
    }
    assert.deepEqual(counts, { '4>3>2': 153, '3>2>4': 99, '2>4>3': 48 });
  });
});

describe('overload control', () => {
  const accepted = (it: KamailioBench, calls = 200) =>
    Array.from({ length: calls }, () => it.select(64)).filter((each) => each !== undefined).length;
  const announce = (it: KamailioBench, rate: number, time = 600_000, seq = 1) =>
    announceOverload(it.partition, 1, uriOf(1), { rate, time, seq });

  test('ocrate= among the attributes has no effect by itself', () => {
    const it = bench([{ attrs: 'ocrate=100' }], six);
    assert.equal(accepted(it), 200);
    assert.equal(it.partition.flavour.view(firstOf(it, uriOf(1))).overload?.index, 0);
  });

  test('an announced rate refuses that part of each hundred calls, exactly', () => {
    for (const [attrs, rate, expected] of [
      ['', 30, 140],
      ['', 50, 100],
      ['', 99, 2],
      ['ocmax=90', 100, 20],
      ['ocmin=10', 0, 180],
      ['', 101, 0],
      ['', -1, 0],
    ] as const) {
      const it = bench([{ attrs }], six);
      assert.equal(announce(it, rate), 1);
      assert.equal(accepted(it), expected, `${attrs} ${rate}`);
    }
  });

  test('an announcement of 0 ms expires at once', () => {
    const it = bench([{}], six);
    assert.equal(announce(it, 100, 0), 1);
    assert.equal(accepted(it), 200);
    assert.equal(it.partition.flavour.view(firstOf(it, uriOf(1))).overload?.rate, 100);
  });

  test('the index counts decisions while an announcement holds', () => {
    const it = bench([{}], six);
    announce(it, 30);
    accepted(it, 107);
    assert.equal(it.partition.flavour.view(firstOf(it, uriOf(1))).overload?.index, 7);
  });

  test('ocmin and ocmax out of range are ignored', () => {
    const shown = (attrs: string) => {
      const it = bench([{ attrs }], six);
      const { rate, min, max } = it.partition.flavour.view(firstOf(it, uriOf(1))).overload ?? assert.fail();
      return [rate, min, max];
    };
    assert.deepEqual(shown('ocrate=150;ocmin=-1;ocmax=200'), [0, 0, 100]);
    assert.deepEqual(shown('ocmin=5'), [5, 5, 100]);
    assert.deepEqual(shown('ocmin=10;ocmax=90;ocrate=50'), [50, 10, 90]);
  });
});

test('algorithms 14, 15 and 64 are known in strict partitions that follow 6, and take the first in those of 5.6', () => {
  const rows = kamailioRows(['', '', '']).map((each) => ({ ...each, priority: 5 }));
  const first = (version: '5.6' | '6', algorithm: number) => {
    const it = new KamailioBench(rows, { version, compat: 'strict' });
    return new Set(Array.from({ length: 9 }, () => it.select(algorithm)?.[0])).size;
  };
  for (const algorithm of [14, 15, 64]) {
    assert.equal(first('5.6', algorithm), 1);
    assert.equal(first('6', algorithm), 3);
  }
});
