import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { defaultPort } from '../../src/core/uri.js';
import { countDestinations } from '../../src/engine/count.js';
import { findInList } from '../../src/engine/in-list.js';
import type { LoadOptions } from '../../src/engine/partition.js';
import type { RequestRoute } from '../../src/route/script/request-route.js';
import { engineWith, partitionOptions, type RecordedSets, rowsOf } from '../support/partitions.js';
import { scriptFixture } from '../support/script-fixture.js';

interface InListCase {
  readonly partition: string;
  readonly ip: string;
  readonly port: number;
  readonly set: number | null;
  readonly activeOnly: 0 | 1;
  readonly pattern: string | null;
  readonly rc: 1 | -1;
  /** setid_pvar afterwards: written only when all sets were searched. */
  readonly matchedSet: number | null;
  readonly attrs: string | null;
}

interface CountCase {
  readonly partition: string;
  readonly set: number;
  readonly filter: string;
  readonly rc: 1 | -1;
  readonly result: string | null;
}

const recorded = JSON.parse(readFileSync(new URL('data/opensips-inlist-count.json', import.meta.url), 'utf8')) as {
  sets: RecordedSets;
  sets_p2: RecordedSets;
  is_in_list: InListCase[];
  count: CountCase[];
};

const resolve: NonNullable<LoadOptions['resolve']> = (uri, transport) => [
  { family: 4, address: '127.0.0.1', port: uri.port ?? defaultPort(transport), transport },
];
const engine = engineWith(['default', 'p2'].map((name) => partitionOptions({ name, compat: 'strict' })));
for (const [name, sets] of [
  ['default', recorded.sets],
  ['p2', recorded.sets_p2],
] as const) {
  engine.partition(name)?.load(rowsOf(sets), {
    inheritState: true,
    resolve,
  });
}

function partitionOf(name: string) {
  const partition = engine.partition(name);
  assert.ok(partition !== undefined);
  return partition;
}

test(`ds_is_in_list: ${recorded.is_in_list.length} questions are answered alike`, () => {
  for (const c of recorded.is_in_list) {
    const found = findInList(partitionOf(c.partition), {
      ip: c.ip,
      port: c.port,
      setId: c.set ?? undefined,
      activeOnly: c.activeOnly === 1,
      pattern: c.pattern ?? undefined,
    });
    const what = JSON.stringify(c);
    assert.equal(found === undefined ? -1 : 1, c.rc, what);
    if (found === undefined) continue;
    assert.equal(found.row.attrs, c.attrs, what);
    if (c.set === null || c.set === -1) assert.equal(found.setId, c.matchedSet, what);
  }
});

test(`ds_count: ${recorded.count.length} counts agree`, () => {
  for (const c of recorded.count) {
    const count = countDestinations(partitionOf(c.partition), c.set, c.filter);
    assert.equal(count === undefined ? null : String(count), c.result, JSON.stringify(c));
    assert.equal(count === undefined ? -1 : 1, c.rc);
  }
});

/** What a route script gets: result, $var(setid), attrs_avp, and what ds_count wrote. */
test('the script functions answer alike, and write what was written', () => {
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
