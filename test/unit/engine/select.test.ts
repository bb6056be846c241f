import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { DestinationRow } from '../../../src/engine/destination.js';
import { Engine } from '../../../src/engine/engine.js';
import { dispatcherHash } from '../../../src/engine/hash.js';
import { ALGORITHMS, algorithmCode, OWN_ALGORITHMS } from '../../../src/engine/opensips/algorithms/list.js';
import type { Compat } from '../../../src/engine/options.js';
import type { Partition } from '../../../src/engine/partition.js';
import type { RequestView } from '../../../src/engine/request-view.js';
import { parseSelectArguments, type SelectParameters } from '../../../src/engine/select-arguments.js';
import { partitionOptions, request, row, seededRandom, stillClock } from '../../support/partitions.js';

interface World {
  readonly engine: Engine;
  readonly partition: Partition;
  readonly warnings: string[];
}

function world(table: readonly DestinationRow[], compat: Compat = 'default'): World {
  const warnings: string[] = [];
  const engine = new Engine({
    clock: stillClock(),
    random: seededRandom(),
    warn: (partition, message) => warnings.push(`${partition}: ${message}`),
  });
  const partition = engine.addPartition(partitionOptions({ compat }));
  partition.load(table, { inheritState: true });
  return { engine, partition, warnings };
}

/** "a" is sip:a, "-a" the same but inactive, "a3" has weight 3. */
function setOf(text: string): DestinationRow[] {
  return text.split(' ').map((item) => {
    const [, down, name, weight] = /^(-?)([a-z]+)([0-9]*)$/.exec(item) ?? [];
    return row(`sip:${name}`, {
      state: down === '-' ? 'inactive' : 'active',
      weight: weight === '' ? 1 : Number(weight),
      attrs: `attrs-${name}`,
    });
  });
}

function run(
  { engine, partition }: World,
  given: Partial<SelectParameters>,
  view: RequestView = request(),
): string[] | string {
  const args = parseSelectArguments({ set: 1, alg: 8, ...given });
  assert.ok(typeof args !== 'string', String(args));
  const context = engine.context();
  if (context.select(partition, args.targets, view) !== 'selected') return context.failure ?? '?';
  const names: string[] = [];
  for (let each = context.current(partition); each !== undefined; each = context.next(partition)) {
    names.push(each.row.uri.slice(4));
  }
  return names;
}

describe('round robin after other algorithms', () => {
  test('continues with the first position after a ranking algorithm, not the one it chose', () => {
    for (const compat of ['default', 'strict'] as const) {
      for (const alg of [9, 10]) {
        const w = world(setOf('a b c'), compat);
        const least = (uri: string) => (uri === 'sip:c' ? 0 : 1);
        const ranked = request({
          loadOf: (_partition, uri) => least(uri),
          scoreOf: (_partition, uri) => least(uri),
        });
        const chosen = [4, 4, alg, 4, 4].map((each) => run(w, { alg: each }, each === alg ? ranked : request())[0]);
        assert.deepEqual(chosen, ['a', 'b', 'c', 'a', 'b'], `${compat} ${alg}`);
      }
    }
  });
});

describe('lists of targets', () => {
  test('a negative max_res keeps the chosen destination alone', () => {
    assert.deepEqual(run(world(setOf('a b c')), { flags: 'f', maxResults: -1 }), ['a']);
  });

  test('a default destination that is the chosen one does not count toward max_res', () => {
    const w = world(setOf('a b c'));
    run(w, { alg: 4 });
    run(w, { alg: 4 });
    run(w, { alg: 4 });
    // Round robin stays on the last chosen position, here that of the default destination, until its weight is used up.
    const [destination] = w.partition.snapshot.sets.get(1)?.destinations.slice(-1) ?? [];
    assert.ok(destination !== undefined);
    w.engine.setWeight(destination, 5);
    assert.deepEqual(run(w, { alg: 4, flags: 'fd', maxResults: 1 }), ['c', 'a']);
    assert.deepEqual(run(w, { alg: 4, flags: 'fd', maxResults: 0 }), ['c']);
  });
});

describe('a selection', () => {
  test('fails with a reason in a set that does not exist or has no active destination', () => {
    const w = world(setOf('-a -b'));
    assert.equal(run(w, { set: 9 }), 'no such set');
    for (const { code } of ALGORITHMS) assert.equal(run(w, { alg: code, flags: 'fd' }), 'no active destination');
  });

  test('lists the others after the chosen one, wrapping round, with the default last even if it is inactive', () => {
    const w = world(setOf('a b -c d -e'));
    w.engine.context().selectOne(w.partition, { setId: 1, algorithm: 4, flags: 0, maxResults: 1 }, request());
    assert.deepEqual(run(w, { alg: 4, flags: 'f' }), ['b', 'd', 'a']);
    assert.deepEqual(run(w, { alg: 4, flags: 'fd' }), ['d', 'a', 'b', 'e']);
    assert.deepEqual(run(w, { alg: 8, flags: 'f', maxResults: 2 }), ['a', 'b']);
    assert.deepEqual(run(w, { alg: 8, flags: 'fd', maxResults: 1 }), ['a', 'e']);
    assert.deepEqual(run(w, { alg: 8, flags: 'f', maxResults: 0 }), ['a']);
    assert.deepEqual(run(w, { alg: 8, flags: 'd', maxResults: 3 }), ['a']);
  });

  test('takes the default when no other is active, and lists it once', () => {
    assert.deepEqual(run(world(setOf('-a -b c')), { alg: 0, flags: 'fd' }), ['c']);
    assert.deepEqual(run(world(setOf('a')), { alg: 0, flags: 'fd' }), ['a']);
  });

  test('counts hits of first choices only', () => {
    const w = world(setOf('a b'));
    run(w, { flags: 'f' });
    run(w, { flags: 'f' });
    assert.deepEqual([w.partition.find(1, 'sip:a')?.health.hits, w.partition.find(1, 'sip:b')?.health.hits], [2, 0]);
  });

  test('by an unknown algorithm selects nothing; a strict partition the first active destination; both with a warning', () => {
    const w = world(setOf('-a b'));
    for (const alg of [-1, 11, 99]) assert.equal(run(w, { alg }), 'unknown algorithm');
    assert.equal(w.warnings.length, 3);
    assert.equal(w.warnings[1], 'default: algorithm 11 is not known: nothing is selected');
    const strict = world(setOf('-a b'), 'strict');
    for (const alg of [-1, 11, 99]) assert.deepEqual(run(strict, { alg }), ['b']);
    assert.match(
      strict.warnings[1] ?? '',
      /^default: algorithm 11 is not known: the first active destination is taken/,
    );
  });

  test('by hash_pvar needs the parameter and a value', () => {
    const w = world(setOf('a b c d'));
    assert.equal(run(w, { alg: 7 }), 'nothing to hash');
    assert.match(w.warnings[0] ?? '', /hash_pvar/);
    assert.equal(run(w, { alg: 7, flags: 'd' }, request({ hashVar: () => '  ' })), 'nothing to hash');
    const chosen = run(w, { alg: 7 }, request({ hashVar: (partition) => ` ${partition} ` }));
    assert.deepEqual(chosen, ['abcd'.charAt(dispatcherHash('default') % 4)]);
  });

  test('by URI fails when there is none to hash', () => {
    const w = world(setOf('a b'));
    assert.equal(run(w, { alg: 1 }, request({ fromUri: '' })), 'nothing to hash');
    assert.equal(run(w, { alg: 3 }, request({ requestUri: 'nonsense' })), 'nothing to hash');
  });

  test('by credentials without credentials uses round robin, as documented; a strict partition stays at one destination, as recorded', () => {
    const documented = world(setOf('a b c2'));
    assert.deepEqual(
      [1, 2, 3, 4, 5].map(() => String(run(documented, { alg: 5 }))),
      ['a', 'b', 'c', 'c', 'a'],
    );
    const recorded = world(setOf('a b c'), 'strict');
    run(recorded, { alg: 4 });
    run(recorded, { alg: 4 });
    assert.deepEqual([run(recorded, { alg: 5 }), run(recorded, { alg: 5 })], [['b'], ['b']]);
  });

  test('by load and by score ranks; a negative score never comes first', () => {
    const loads: Record<string, number> = { 'sip:a': 5, 'sip:b': 2, 'sip:c': 2, 'sip:d': -1 };
    const view = request({
      loadOf: (_partition, uri) => loads[uri],
      scoreOf: (_partition, uri, attrs) => (attrs === 'attrs-e' ? -7 : loads[uri]),
    });
    const w = world(setOf('a b c d e -f'));
    assert.deepEqual(run(w, { alg: 9, flags: 'f' }, view), ['d', 'e', 'b', 'c', 'a']);
    assert.deepEqual(run(w, { alg: 10, flags: 'f' }, view), ['b', 'c', 'a', 'e', 'd']);
    assert.deepEqual(run(w, { alg: 10, flags: 'fd', maxResults: 2 }, view), ['b', 'c', 'f']);
    const none = request({ scoreOf: () => -1 });
    assert.equal(run(w, { alg: 10, flags: 'f' }, none), 'no active destination');
  });

  test('by load with only a default selects it; a strict partition fails, as recorded', () => {
    assert.deepEqual(run(world(setOf('a')), { alg: 9, flags: 'fd' }), ['a']);
    assert.equal(run(world(setOf('a'), 'strict'), { alg: 9, flags: 'fd' }), 'no active destination');
  });

  test('at random gives shares by weight', () => {
    const w = world(setOf('a b3 c0'));
    const seen: Record<string, number> = {};
    for (let i = 0; i < 4000; i++) {
      const [name] = run(w, { alg: 6 }) as string[];
      seen[name ?? ''] = (seen[name ?? ''] ?? 0) + 1;
    }
    assert.equal(seen['c'], undefined);
    assert.ok(Math.abs((seen['b'] ?? 0) - 3000) < 150, JSON.stringify(seen));
  });

  test('lists with any algorithm each active destination once, and no inactive one except the default', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ weight: fc.integer({ min: 0, max: 4 }), up: fc.boolean() }), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.constantFrom(...[...ALGORITHMS, ...OWN_ALGORITHMS].map((each) => each.code)),
        fc.boolean(),
        fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 4 }),
        (members, alg, useDefault, earlier) => {
          const table = members.map(({ weight, up }, i) =>
            row(`sip:d${i}`, { weight, state: up ? 'active' : 'probing' }),
          );
          const w = world(table);
          const view = request({ hashVar: () => 'x', loadOf: (_p, uri) => uri.length });
          for (const code of earlier) run(w, { alg: code }, view);
          const names = run(w, { alg, flags: useDefault ? 'fd' : 'f' }, view);
          const up = members.flatMap((each, i) => (each.up ? [`d${i}`] : []));
          if (up.length === 0) return assert.equal(names, 'no active destination');
          const expected = new Set(up);
          if (useDefault && members.length > 1) expected.add(`d${members.length - 1}`);
          assert.deepEqual([...names].sort(), [...expected].sort());
        },
      ),
      { numRuns: 400 },
    );
  });

  test('by hash gives other destinations only to the calls of one that became inactive', () => {
    const w = world(Array.from({ length: 10 }, (_, i) => row(`sip:d${i}`)));
    const where = () => Array.from({ length: 300 }, (_, i) => run(w, { alg: 0 }, request({ callId: `call-${i}` }))[0]);
    const before = where();
    const gone = w.partition.find(1, 'sip:d3');
    assert.ok(gone !== undefined);
    w.engine.states.apply({ destination: gone, kind: 'set', to: 'inactive', origin: 'mi', reason: 'x' });
    where().forEach((name, i) => {
      if (before[i] === 'd3') assert.notEqual(name, 'd3');
      else assert.equal(name, before[i]);
    });
  });
});

describe('rendezvous hashing', () => {
  const names = Array.from({ length: 12 }, (_, i) => `gw${String.fromCharCode(97 + i)}`);
  const calls = Array.from({ length: 600 }, (_, i) => request({ callId: `call-${i}` }));
  const where = (w: World) => calls.map((view) => run(w, { alg: 'rendezvous', flags: 'f' }, view) as string[]);

  test('moves only the calls of a removed destination, each to where it would have failed over', () => {
    const w = world(setOf(names.join(' ')));
    const before = where(w);
    w.partition.load(setOf(names.filter((name) => name !== 'gwd').join(' ')), { inheritState: true });
    where(w).forEach((now, i) => {
      assert.deepEqual(
        now,
        before[i]?.filter((name) => name !== 'gwd'),
      );
    });
    assert.ok(new Set(before.filter((each) => each[0] === 'gwd').map((each) => each[1])).size > 6);
  });

  test('rendezvous hashing gives shares by weight', () => {
    const w = world(setOf('a b3 c0'));
    const first = where(w).map((each) => each[0]);
    assert.ok(!first.includes('c'));
    const share = first.filter((name) => name === 'b').length / first.length;
    assert.ok(Math.abs(share - 0.75) < 0.06, `${share}`);
  });

  test('uses hash_pvar if it is set', () => {
    const w = world(setOf(names.join(' ')));
    const chosen = calls.map(({ callId }) => run(w, { alg: 100 }, request({ callId, hashVar: () => 'tenant' }))[0]);
    assert.equal(new Set(chosen).size, 1);
    assert.equal(run(w, { alg: 100 }, request({ hashVar: () => '' })), 'nothing to hash');
  });
});

test('the code of every algorithm is its position, and names differ', () => {
  ALGORITHMS.forEach((each, i) => {
    assert.equal(each.code, i);
    assert.equal(algorithmCode(each.name), i);
  });
  assert.equal(algorithmCode('toString'), undefined);
});
