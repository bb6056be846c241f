import { defaultPort } from '../../../src/core/uri.js';
import { countDestinations } from '../../../src/engine/count.js';
import { findInList } from '../../../src/engine/in-list.js';
import type { LoadOptions, Partition } from '../../../src/engine/partition.js';
import { engineWith, partitionOptions, type RecordedSets, rowsOf } from '../../support/partitions.js';
import { differences, type Outcome } from './outcome.js';

export interface InListCase {
  readonly partition: string;
  readonly ip: string;
  readonly port: number;
  readonly set: number | null;
  readonly activeOnly: 0 | 1;
  readonly pattern: string | null;
  readonly rc: 1 | -1;
  /** Final value of setid_pvar: set only when all sets were searched. */
  readonly matchedSet: number | null;
  readonly attrs: string | null;
}

export interface CountCase {
  readonly partition: string;
  readonly set: number;
  readonly filter: string;
  readonly rc: 1 | -1;
  readonly result: string | null;
}

/** Queries with ds_is_in_list and ds_count, and the tables they were made on. */
export interface RecordedLists {
  readonly sets: RecordedSets;
  readonly sets_p2: RecordedSets;
  readonly is_in_list: readonly InListCase[];
  readonly count: readonly CountCase[];
}

const resolve: NonNullable<LoadOptions['resolve']> = (uri, transport) => [
  { family: 4, address: '127.0.0.1', port: uri.port ?? defaultPort(transport), transport },
];

/** Replays every query of a file. */
export function runLists(recorded: RecordedLists): Outcome[] {
  const engine = engineWith(['default', 'p2'].map((name) => partitionOptions({ name, compat: 'strict' })));
  engine.partition('default')?.load(rowsOf(recorded.sets), { inheritState: true, resolve });
  engine.partition('p2')?.load(rowsOf(recorded.sets_p2), { inheritState: true, resolve });
  const partitionOf = (name: string): Partition => {
    const partition = engine.partition(name);
    if (partition === undefined) throw new Error(`no partition ${name}`);
    return partition;
  };
  const asked = recorded.is_in_list.map((c, i): Outcome => {
    const found = findInList(partitionOf(c.partition), {
      ip: c.ip,
      port: c.port,
      setId: c.set ?? undefined,
      activeOnly: c.activeOnly === 1,
      pattern: c.pattern ?? undefined,
    });
    const every = c.set === null || c.set === -1;
    const seen = {
      rc: found === undefined ? -1 : 1,
      attrs: found === undefined ? null : found.row.attrs,
      matchedSet: found === undefined || !every ? null : found.setId,
    };
    const expected = {
      rc: c.rc,
      attrs: found === undefined ? null : c.attrs,
      matchedSet: found === undefined || !every ? null : c.matchedSet,
    };
    return { id: `is_in_list ${i}`, area: 'ds_is_in_list', misses: differences(expected, seen, JSON.stringify(c)) };
  });
  const counted = recorded.count.map((c, i): Outcome => {
    const count = countDestinations(partitionOf(c.partition), c.set, c.filter);
    const seen = { rc: count === undefined ? -1 : 1, result: count === undefined ? null : String(count) };
    const expected = { rc: c.rc, result: c.result };
    return { id: `count ${i}`, area: 'ds_count', misses: differences(expected, seen, JSON.stringify(c)) };
  });
  return [...asked, ...counted];
}
