import { createHash } from 'node:crypto';
import type { Destination } from '../engine/destination.js';
import type { Partition } from '../engine/partition.js';
import { destinationsOf, type Snapshot } from '../engine/set.js';
import { stateKey } from '../events/state-entry.js';
import { encodeToken } from '../events/subject.js';

/** Destinations indexed per event loop iteration. */
const SLICE = 500;

/** Key of a destination's record, or of the record of one zone. */
function recordKey({ partition, setId, row }: Destination, zone: string): string {
  return inZone(`d.${stateKey({ partition, group: setId, address: row.uri, socket: row.socket })}`, zone);
}

/** Key of the record of a zone; '' for the only record where zones have no records of their own. */
export function inZone(key: string, zone: string): string {
  return zone === '' ? key : `${key}-${encodeToken(zone)}`;
}

/** The key without its zone, which comes after a hexadecimal hash. */
export function withoutZone(key: string): string {
  const hash = key.lastIndexOf('.');
  const dash = key.indexOf('-', hash + 1);
  return dash < 0 ? key : key.slice(0, dash);
}

interface Indexed {
  readonly snapshot: Snapshot;
  readonly keys: ReadonlyMap<string, Destination>;
  /** Hash of what identifies the rows. */
  readonly hash: string;
}

/** The destinations of the partitions that take part in the cluster, by the keys of their records. */
export class ClusterRows {
  /** Incremented each time a partition is indexed. */
  version = 0;
  private readonly partitions = new Map<string, Indexed>();
  /** Names of the partitions in the encoding of keys. */
  private readonly tokens = new Set<string>();
  private readonly fresh = new Set<string>();
  /** Cache of keys: a key is a cryptographic hash, and is needed for each probe. */
  private readonly known = new WeakMap<Destination, string>();

  /**
   * `zoneOf`: the zone whose records this node follows for a partition; '' where zones have no records of their own.
   */
  constructor(private readonly zoneOf: (partition: string) => string = () => '') {}

  /** Key of a destination's record. */
  keyOf(destination: Destination): string {
    let key = this.known.get(destination);
    if (key === undefined) {
      key = recordKey(destination, this.zoneOf(destination.partition));
      this.known.set(destination, key);
    }
    return key;
  }

  /** Whether a destination has the key, in any zone. */
  holds(key: string): boolean {
    const base = withoutZone(key);
    for (const [partition, { keys }] of this.partitions)
      if (keys.has(inZone(base, this.zoneOf(partition)))) return true;
    return false;
  }

  /** The destination of an entry in the public bucket. */
  findEntry(entry: Parameters<typeof stateKey>[0]): Destination | undefined {
    return this.find(inZone(`d.${stateKey(entry)}`, this.zoneOf(entry.partition)));
  }

  /** The destination of a key in any partition. */
  find(key: string): Destination | undefined {
    for (const { keys } of this.partitions.values()) {
      const found = keys.get(key);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Whether a key is that of an indexed partition. */
  serves(key: string): boolean {
    return this.tokens.has(key.slice(2, key.indexOf('.', 2)));
  }

  /** Whether the partition was indexed for the first time since the last call. */
  isNew(partition: string): boolean {
    return this.fresh.delete(partition);
  }

  /** Whether the partition has been indexed. */
  has(partition: string): boolean {
    return this.partitions.has(partition);
  }

  /** Hash of the destinations of a partition; undefined if it does not take part. */
  hashOf(partition: string): string | undefined {
    return this.partitions.get(partition)?.hash;
  }

  /** Names of the partitions that take part. */
  *names(): Generator<string> {
    yield* this.partitions.keys();
  }

  /** Keys and destinations of one partition. */
  of(partition: string): ReadonlyMap<string, Destination> {
    return this.partitions.get(partition)?.keys ?? new Map<string, Destination>();
  }

  /** All keys with their destinations. */
  *all(): Generator<readonly [key: string, destination: Destination]> {
    for (const { keys } of this.partitions.values()) yield* keys;
  }

  /** A partition no longer takes part. */
  forget(partition: string): void {
    if (!this.partitions.delete(partition)) return;
    this.tokens.delete(encodeToken(partition));
    this.version++;
  }

  /**
   * Indexes a partition's current snapshot and awaits `pause` between slices, so that calls are handled meanwhile.
   * False when a newer snapshot has replaced it.
   */
  async index(partition: Partition, pause: () => Promise<void>): Promise<boolean> {
    const { snapshot } = partition;
    const steps = this.indexing(snapshot);
    let step = steps.next();
    while (step.done !== true) {
      await pause();
      if (partition.snapshot !== snapshot) return false;
      step = steps.next();
    }
    this.put(partition.name, step.value);
    return true;
  }

  /** Does the same in one step. */
  indexNow(partition: Partition): void {
    const steps = this.indexing(partition.snapshot);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    this.put(partition.name, step.value);
  }

  private put(partition: string, indexed: Indexed): void {
    if (!this.partitions.has(partition)) this.fresh.add(partition);
    this.tokens.add(encodeToken(partition));
    this.partitions.set(partition, indexed);
    this.version++;
  }

  private *indexing(snapshot: Snapshot): Generator<void, Indexed> {
    const keys = new Map<string, Destination>();
    let done = 0;
    for (const destination of destinationsOf(snapshot)) {
      if (++done % SLICE === 0) yield;
      const key = this.keyOf(destination);
      // A second row of a destination shares its health.
      if (!keys.has(key)) keys.set(key, destination);
    }
    // The hash does not contain the zone, so that nodes of two zones with the same rows have the same hash.
    const hash = createHash('sha256');
    done = 0;
    for (const key of yield* sorted([...keys.keys()])) {
      hash.update(withoutZone(key));
      if (++done % SLICE === 0) yield;
    }
    return { snapshot, keys, hash: hash.digest('hex').slice(0, 12) };
  }
}

/** Sorts texts with yields: sorts slices, then merges them in pairs. */
function* sorted(texts: string[]): Generator<void, string[]> {
  let runs: string[][] = [];
  for (let at = 0; at < texts.length; at += SLICE) {
    runs.push(texts.slice(at, at + SLICE).sort());
    yield;
  }
  while (runs.length > 1) {
    const merged: string[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(yield* merge(runs[at] as string[], runs[at + 1] ?? []));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

function* merge(a: readonly string[], b: readonly string[]): Generator<void, string[]> {
  const all: string[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const fromA = j >= b.length || (i < a.length && (a[i] as string) <= (b[j] as string));
    all.push(fromA ? (a[i++] as string) : (b[j++] as string));
    if (all.length % (SLICE * 20) === 0) yield;
  }
  return all;
}
