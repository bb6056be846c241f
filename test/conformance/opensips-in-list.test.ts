import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { defaultPort } from '../../src/core/uri.js';
import type { LoadOptions } from '../../src/engine/partition.js';
import type { RequestRoute } from '../../src/route/script/request-route.js';
import { rowsOf } from '../support/partitions.js';
import { scriptFixture } from '../support/script-fixture.js';
import { type RecordedLists, runLists } from './runner/lists.js';

const recorded = JSON.parse(
  readFileSync(new URL('data/opensips-inlist-count.json', import.meta.url), 'utf8'),
) as RecordedLists;

const resolve: NonNullable<LoadOptions['resolve']> = (uri, transport) => [
  { family: 4, address: '127.0.0.1', port: uri.port ?? defaultPort(transport), transport },
];

test('every question to ds_is_in_list and ds_count is answered as recorded', () => {
  const outcomes = runLists(recorded);
  assert.equal(outcomes.length, recorded.is_in_list.length + recorded.count.length);
  assert.deepEqual(
    outcomes.filter(({ misses }) => misses.length > 0),
    [],
  );
});

/** Results in a route script: return value, $var(setid), attrs_avp, and what ds_count wrote. */
test('the script functions answer and write what was recorded', () => {
  const partitions = {
    default: { rows: rowsOf(recorded.sets), options: { compat: 'strict' } },
    p2: { rows: rowsOf(recorded.sets_p2), options: { compat: 'strict', attrsAvp: 'p2_attrs' } },
  } as const;
  let asked = 0;
  const request = (r: RequestRoute): void => {
    for (const [name, sets] of [
      ['default', recorded.sets],
      ['p2', recorded.sets_p2],
    ] as const) {
      fixture.engine.partition(name)?.load(rowsOf(sets), { inheritState: true, resolve });
    }
    for (const c of recorded.is_in_list) {
      const attrs = c.partition === 'p2' ? '$avp(p2_attrs)' : '$avp(attrs)';
      r.set('$var(setid)', null);
      r.set(attrs, null);
      const set = c.set ?? undefined;
      const found =
        c.pattern === null
          ? r.ds_is_in_list(c.ip, c.port, set, c.partition, c.activeOnly)
          : r.ds_is_in_list(c.ip, c.port, set, c.partition, c.activeOnly, c.pattern);
      const what = JSON.stringify(c);
      assert.deepEqual([found, r.retcode], [c.rc === 1, c.rc], what);
      assert.deepEqual([r.get('$var(setid)'), r.get(attrs)], [c.matchedSet, c.attrs], what);
      asked++;
    }
    for (const c of recorded.count) {
      r.set('$var(result)', 'untouched');
      const counted = r.ds_count(c.set, c.filter, '$var(result)', c.partition);
      assert.deepEqual([counted, r.retcode], [c.rc === 1, c.rc], JSON.stringify(c));
      assert.equal(String(r.get('$var(result)')), c.result ?? 'untouched', JSON.stringify(c));
      asked++;
    }
  };
  const fixture = scriptFixture({ request }, { partitions, setidPvar: '$var(setid)' });
  fixture.call();
  assert.deepEqual(fixture.faults(), []);
  assert.equal(asked, recorded.is_in_list.length + recorded.count.length);
});
