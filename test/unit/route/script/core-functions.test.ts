import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestRoute } from '../../../../src/route/script/request-route.js';
import { row } from '../../../support/partitions.js';
import { scriptFixture } from '../../../support/script-fixture.js';

const PARTITIONS = {
  default: {
    rows: [
      row('sip:192.0.2.1:5060', { attrs: 'caller' }),
      row('sip:10.0.0.1', { attrs: 'gw;cost=1' }),
      row('sip:10.0.0.2:5062', { state: 'inactive' }),
      row('sip:10.0.0.3:5060', { setId: 2, state: 'probing' }),
    ],
  },
  part2: { rows: [row('sip:[2001:db8::1]:5060', { setId: 2 })], options: { attrsAvp: 'attrs2' } },
} as const;

/** Result of a request route called for one INVITE from 192.0.2.1:5060. */
function asked(ask: (r: RequestRoute) => unknown): unknown {
  let answer: unknown;
  const fixture = scriptFixture(
    {
      request(r) {
        answer = ask(r);
      },
    },
    { partitions: PARTITIONS, setidPvar: '$var(setid)' },
  );
  fixture.call();
  assert.deepEqual(fixture.faults(), []);
  return answer;
}

describe('ds_count', () => {
  const counted = (set: string | number, filter: string | number, partition?: string) =>
    asked((r) => {
      r.set('$avp(result)', 'untouched');
      return [r.ds_count(set, filter, '$avp(result)', partition), r.get('$avp(result)'), r.retcode];
    });

  test('counts by states, in both call forms', () => {
    assert.deepEqual(counted('1', 'a'), [true, 2, 1]);
    assert.deepEqual(counted(1, 'iP'), [true, 1, 1]);
    assert.deepEqual(counted('default : 2', 2), [true, 1, 1]);
    assert.deepEqual(counted('part2:2', 'a'), [true, 1, 1]);
    assert.deepEqual(counted(2, '', 'part2'), [true, 1, 1]);
  });

  test('returns -1 for a set or partition that does not exist, and writes nothing', () => {
    for (const set of ['9', '-1', 'nobody:1', 'x', '']) {
      assert.deepEqual(counted(set, 'a'), [false, 'untouched', -1], set);
    }
  });
});

describe('ds_is_in_list', () => {
  test('finds by address, port, set and partition', () => {
    const table: [Parameters<RequestRoute['ds_is_in_list']>, boolean][] = [
      [['$si', '$sp'], true],
      [['192.0.2.1', ''], true],
      [['192.0.2.1', 0], true],
      [['192.0.2.1', 5061], false],
      [['10.0.0.1', 5060, '1'], true],
      [['10.0.0.1', 5060, 2], false],
      [['10.0.0.1', 5060, -1], true],
      [['10.0.0.1', 5060, 'default:'], true],
      [['10.0.0.2', 5062], true],
      [['10.0.0.2', 5062, 1, 1], false],
      [['10.0.0.2', 5062, 1, '1'], false],
      [['10.0.0.2', 5062, 1, '', 1], false],
      [['10.0.0.2', 5062, 1, 'default', '0'], true],
      [['[2001:DB8:0::1]', 5060, 'part2:2'], true],
      [['2001:db8::1', 5060, 2, 'part2'], true],
      [['2001:db8::1', 5060, 2], false],
      [['example.com', 5060], false],
      [['10.0.0.1', 0, 1, 'default', 0, 'gw*'], true],
      [['10.0.0.1', 0, 1, 'default', 0, 'other*'], false],
      [['10.0.0.1', 0, 'nobody:1'], false],
    ];
    for (const [args, expected] of table) {
      assert.deepEqual(
        asked((r) => [r.ds_is_in_list(...args), r.retcode]),
        [expected, expected ? 1 : -1],
        JSON.stringify(args),
      );
    }
  });

  test('writes the set it found, unless one was given, and the attributes', () => {
    const found = (set?: string) =>
      asked((r) => {
        r.ds_is_in_list('10.0.0.1', 5060, set);
        return [r.get('$var(setid)'), r.get('$avp(attrs)')];
      });
    assert.deepEqual(found(), [1, 'gw;cost=1']);
    assert.deepEqual(found('-1'), [1, 'gw;cost=1']);
    assert.deepEqual(found('1'), [null, 'gw;cost=1']);
  });
});

describe('script attributes', () => {
  test('are attached by address and read by URI', () => {
    const answer = asked((r) => [
      r.ds_push_script_attrs('busy $fU', '10.0.0.1', 5060, 1),
      r.ds_push_script_attrs('x', '10.0.0.1', 5060, 2),
      r.ds_push_script_attrs('x', '10.9.9.9', 0, -1),
      r.ds_push_script_attrs('six', '[2001:db8::1]', 0, 2, 'part2'),
      r.ds_get_script_attrs('sip:10.0.0.1', 1, undefined, '$var(out)'),
      r.get('$var(out)'),
      r.ds_get_script_attrs('sip:[2001:db8::1]:5060', 'part2:2', undefined, '$var(out)'),
      r.get('$var(out)'),
      r.ds_get_script_attrs('sip:10.0.0.2:5062', 1, undefined, '$var(out)'),
      r.retcode,
      r.get('$var(out)'),
      r.ds_get_script_attrs('sip:10.9.9.9', 1, undefined, '$var(out)'),
    ]);
    // Writing to an unknown name, and reading an empty one, succeed, as recorded.
    assert.deepEqual(answer, [true, true, true, true, true, 'busy alice', true, 'six', true, 1, '', false]);
  });
});

test('arguments are compiled once and bounded', () => {
  const answer = asked((r) => {
    for (let i = 0; i < 5000; i++) r.format(`$fU ${i}`);
    return r.format('$fU');
  });
  assert.equal(answer, 'alice');
});
