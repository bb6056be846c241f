import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FLAG } from '../../../src/engine/algorithms/algorithm.js';
import { parseSelectArguments, type SelectParameters } from '../../../src/engine/select-arguments.js';

const ALL = Number.POSITIVE_INFINITY;
const { failover: f, userOnly: u, useDefault: d, keepSet: s, append: a } = FLAG;

describe('parameters of a selection', () => {
  const good: readonly [SelectParameters, string, [set: number, alg: number, flags: number, max: number][]][] = [
    [{ set: 1, alg: 4 }, '', [[1, 4, 0, ALL]]],
    [{ set: '1', alg: '0', flags: '5' }, '', [[1, 0, 0, 5]]],
    [{ set: 'part2 : 1', alg: '0', flags: '5' }, 'part2', [[1, 0, 0, 5]]],
    [{ set: 'part3 : 1', alg: '0', flags: 'fUsD' }, 'part3', [[1, 0, f | u | s | d, ALL]]],
    [
      { set: 'part4 : 2,3', alg: '0,1', flags: 'fuD M 5, fuS M 2' },
      'part4',
      [
        [2, 0, f | u | d, 5],
        [3, 1, f | u | s, 2],
      ],
    ],
    [
      { set: 'p4:1, 2', alg: '4, 2', flags: ' sFDU M 2, fuS M 3' },
      'p4',
      [
        [1, 4, f | u | s | d, 2],
        [2, 2, f | u | s, 3],
      ],
    ],
    [
      { set: '1,2', alg: 'round-robin', flags: 'fM1' },
      '',
      [
        [1, 4, f, 1],
        [2, 4, f, 1],
      ],
    ],
    [{ set: 1, alg: 4, flags: 'F D', partition: 'p2', maxResults: 2 }, 'p2', [[1, 4, f | d, 2]]],
    [{ set: 1, alg: 4, flags: 'fa M 0', maxResults: '7' }, '', [[1, 4, f | a, 0]]],
    [{ set: 1, alg: -1, flags: '', maxResults: '' }, '', [[1, -1, 0, ALL]]],
    [{ set: 1, alg: 4, maxResults: -1 }, '', [[1, 4, 0, 0]]],
    [{ set: ': 1', alg: 4, partition: 'p2' }, 'p2', [[1, 4, 0, ALL]]],
    [{ set: 'p2:1', alg: 4, partition: 'p2' }, 'p2', [[1, 4, 0, ALL]]],
  ];
  for (const [given, partition, targets] of good) {
    test(JSON.stringify(given), () => {
      const args = parseSelectArguments(given);
      assert.ok(typeof args !== 'string', String(args));
      assert.equal(args.partition, partition);
      assert.deepEqual(
        args.targets.map((each) => [each.setId, each.algorithm, each.flags, each.maxResults]),
        targets,
      );
    });
  }

  test('the flags of current versions are the letters f, u, d and a', () => {
    for (const flags of ['s', 'fs', 'M2', 'fM2', '5', 'x', 'f d']) {
      assert.equal(typeof parseSelectArguments({ set: 1, alg: 4, flags, dialect: 'today' }), 'string', flags);
    }
    for (const flags of ['', 'f', 'FUDA']) {
      assert.equal(typeof parseSelectArguments({ set: 1, alg: 4, flags, dialect: 'today' }), 'object', flags);
    }
  });

  const bad: readonly [SelectParameters, RegExp][] = [
    [{ set: '', alg: 4 }, /set "" is not a number/],
    [{ set: 'x', alg: 4 }, /set "x" is not a number/],
    [{ set: '1,', alg: 4 }, /set "" is not a number/],
    [{ set: '99999999999', alg: 4 }, /is not a number/],
    [{ set: 1, alg: 'quickest' }, /algorithm "quickest" is neither a number nor the name of one/],
    [{ set: '1,2,3', alg: '1,2' }, /3 sets but 2 algorithms/],
    [{ set: '1,2,3', alg: 4, flags: 'f,f' }, /3 sets but 2 entries of flags/],
    [{ set: 1, alg: 4, flags: 'fx' }, /flag "x" in "fx" is not known/],
    [{ set: 1, alg: 4, flags: 'fMx' }, /"x" after M/],
    [{ set: 1, alg: 4, maxResults: 'many' }, /max_res "many" is not a number/],
    [{ set: 'a:1', alg: 4, partition: 'b' }, /set names partition "a", the partition parameter "b"/],
    [{ set: Array(65).fill(1).join(','), alg: 4 }, /65 sets in one selection/],
  ];
  for (const [given, problem] of bad) {
    test(`${JSON.stringify(given).slice(0, 60)} is refused`, () => {
      const args = parseSelectArguments(given);
      assert.ok(typeof args === 'string');
      assert.match(args, problem);
    });
  }

  test('values of any kind give arguments or a problem, and never an exception', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (set, alg, flags, maxResults) => {
        const args = parseSelectArguments({ set, alg, flags, maxResults });
        assert.ok(typeof args === 'string' || args.targets.length > 0);
      }),
    );
  });
});
