import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { defaultPort } from '../../src/core/uri.js';
import { countDestinations } from '../../src/engine/count.js';
import { findInList } from '../../src/engine/in-list.js';
import { engineWith, partitionOptions, type RecordedSets, rowsOf } from '../support/partitions.js';

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

const engine = engineWith(['default', 'p2'].map((name) => partitionOptions({ name, compat: 'strict' })));
for (const [name, sets] of [
  ['default', recorded.sets],
  ['p2', recorded.sets_p2],
] as const) {
  engine.partition(name)?.load(rowsOf(sets), {
    inheritState: true,
    resolve: (uri, transport) => [
      { family: 4, address: '127.0.0.1', port: uri.port ?? defaultPort(transport), transport },
    ],
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
