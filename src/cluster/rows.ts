import { createHash } from 'node:crypto';
import type { Destination } from '../engine/destination.js';
import type { Partition } from '../engine/partition.js';
import { destinationsOf, type Snapshot } from '../engine/set.js';
import { stateKey } from '../events/state-entry.js';
import { encodeToken } from '../events/subject.js';

/** Destinations indexed per event loop iteration. */
const SLICE = 500;

/** Key of a destination's record. */
export function recordKey({ partition, setId, row }: Destination): string {
  return `d.${stateKey({ partition, group: setId, address: row.uri, socket: row.socket })}`;
}

interface Indexed {
  readonly snapshot: Snapshot;
  readonly keys: ReadonlyMap<string, Destination>;
  /** Hash of what identifies the rows. */
  readonly hash: string;
}

/** The destinations of the partitions that take part in the cluster, by the keys of their records. */
export class Rows {
  /** Grows with each partition indexed anew. */
  version = 0;
  private readonly partitions = new Map<string, Indexed>();
  /** Names of the partitions as they stand in keys. */
  private readonly tokens = new Set<string>();
  private readonly fresh = new Set<string>();

  find(key: string): Destination | undefined {
    for (const { keys } of this.partitions.values()) {
      const found = keys.get(key);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Whether a record is of a partition that was indexed. */
  serves(key: string): boolean {
    return this.tokens.has(key.slice(2, key.indexOf('.', 2)));
  }

  /** Whether the partition was indexed for the first time since this was asked. */
  isNew(partition: string): boolean {
    return this.fresh.delete(partition);
  }

  /** Whether a snapshot of the partition has been indexed. */
  has(partition: string): boolean {
    return this.partitions.has(partition);
  }

  hashOf(partition: string): string | undefined {
    return this.partitions.get(partition)?.hash;
  }

  *names(): Generator<string> {
    yield* this.partitions.keys();
  }

  /** Keys and destinations of one partition. */
  of(partition: string): ReadonlyMap<string, Destination> {
    return this.partitions.get(partition)?.keys ?? new Map<string, Destination>();
  }

  *all(): Generator<readonly [key: string, destination: Destination]> {
    for (const { keys } of this.partitions.values()) yield* keys;
  }

  forget(partition: string): void {
    if (!this.partitions.delete(partition)) return;
    this.tokens.delete(encodeToken(partition));
    this.version++;
  }

  /** Indexes a partition's current snapshot; awaits `pause` between slices, so that calls go on. False when overtaken. */
  async index(partition: Partition, pause: () => Promise<void>): Promise<boolean> {
    const { snapshot } = partition;
    const steps = indexing(snapshot);
    let step = steps.next();
    while (step.done !== true) {
      await pause();
      if (partition.snapshot !== snapshot) return false;
      step = steps.next();
    }
    this.put(partition.name, step.value);
    return true;
  }

  /** The same in one go. */
  indexNow(partition: Partition): void {
    const steps = indexing(partition.snapshot);
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
}

function* indexing(snapshot: Snapshot): Generator<void, Indexed> {
  const keys = new Map<string, Destination>();
  let done = 0;
  for (const destination of destinationsOf(snapshot)) {
    if (++done % SLICE === 0) yield;
    const key = recordKey(destination);
    // A second row of one destination shares its health.
    if (!keys.has(key)) keys.set(key, destination);
  }
  const hash = createHash('sha256');
  for (const key of [...keys.keys()].sort()) hash.update(key);
  return { snapshot, keys, hash: hash.digest('hex').slice(0, 12) };
}
