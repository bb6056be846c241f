import type { KV, NatsConnection } from 'nats';
import type { Clock } from '../../core/clock.js';
import { nextIteration } from '../../core/event-loop.js';
import type { Logger } from '../../core/logger.js';
import { type StateEntry, stateKey } from '../state-entry.js';
import { type FollowStates, figuresOf, isDestinationKey, parsed, readEntries } from './nats-bucket-entries.js';
import type { NatsLink } from './nats-connection.js';
import { isTooLarge, natsReason } from './nats-fault.js';
import { JETSTREAM_MS, nats } from './nats-package.js';
import { eventKey, isPublished, type Published } from './nats-tail.js';

const BATCH = 64;
const MAX_WAIT = 5000;
const LOG_EVERY = 30_000;
/** Milliseconds between two checks whether the bucket still has what was written to it. */
const COMPARE_MS = 30_000;

/**
 * The key-value bucket with one entry for each destination, from which late subscribers read the states without
 * history. The latest state wins; what could not be written is written when the connection is back.
 */
export class StateBucket {
  private readonly dirty = new Map<string, StateEntry>();
  /** Entries that wait for an event: by what they wait for, and by key. */
  private readonly held = new Map<string, { readonly key: string; readonly entry: StateEntry }>();
  private readonly heldKeys = new Set<string>();
  private source: (() => Iterable<StateEntry>) | undefined;
  /** The entries to compare with the bucket and to write: all, or only those that no other node has written. */
  private needed: 'none' | 'own' | 'all' = 'none';
  /** The figures of the bucket when it was last known to be right; undefined: unknown. */
  private seen: string | undefined;
  private cancelCompare: (() => void) | undefined;
  private repaired = 0;
  private tail: ReadonlyMap<string, Published> | undefined;
  private kv: KV | undefined;
  private running = false;
  /** Number of the current run of the writer; an older run that still waits has no more effect. */
  private run = 0;
  private stopped = false;
  private wait = 250;
  private cancelRetry: (() => void) | undefined;
  private loggedAt = Number.NEGATIVE_INFINITY;
  private tooLargeLoggedAt = Number.NEGATIVE_INFINITY;
  private waiters: (() => void)[] = [];

  constructor(
    private readonly bucket: string,
    private readonly link: NatsLink,
    private readonly clock: Clock,
    private readonly log: Logger,
    private readonly node: string,
    private readonly follow: FollowStates = {},
    /** Reads what was last published to the stream. */
    private readonly readTail?: (connection: NatsConnection) => Promise<ReadonlyMap<string, Published>>,
    private readonly compareMs = COMPARE_MS,
  ) {
    link.onUp(() => {
      this.kv = undefined;
      this.wait = 250;
      // The server may have lost its data, or others may have written in the meantime.
      this.needed = this.source === undefined ? 'none' : 'all';
      this.seen = undefined;
      this.kick();
    });
    link.onDown(() => {
      this.kv = undefined;
      // A write in progress would wait for its timeout; it is abandoned, and repeated when the connection is back.
      if (this.running) this.failed(this.run, new Error('connection lost'));
    });
  }

  /** Writes an entry; replaces a waiting one of the same destination. */
  put(entry: StateEntry): void {
    this.dirty.set(stateKey(entry), entry);
    this.kick();
  }

  /** Like `put`, but the entry waits until `release` is called with the same `until`. */
  hold(entry: StateEntry, until: string): void {
    const key = stateKey(entry);
    this.held.set(until, { key, entry });
    this.heldKeys.add(key);
  }

  /** Writes the entry that was held until this event was delivered. */
  release(until: string): void {
    const held = this.held.get(until);
    if (held === undefined) return;
    this.forget(until, held.key);
    this.put(held.entry);
  }

  /** Makes the bucket contain exactly these entries, now and when a connection comes back. */
  sync(entries: Iterable<StateEntry> | (() => Iterable<StateEntry>)): void {
    this.source = typeof entries === 'function' ? entries : () => entries;
    this.needed = 'all';
    this.kick();
  }

  /** Resolves with true when everything is written, with false after `timeoutMs`. */
  settled(timeoutMs: number): Promise<boolean> {
    if (this.isSettled()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = () => {
        cancel();
        this.waiters = this.waiters.filter((each) => each !== finish);
        resolve(this.isSettled());
      };
      const cancel = this.clock.schedule(timeoutMs, finish);
      this.waiters.push(finish);
    });
  }

  /** Stops writing. */
  stop(): void {
    this.stopped = true;
    this.cancelRetry?.();
    this.cancelCompare?.();
    for (const finish of this.waiters) finish();
  }

  /** Whether everything is written. */
  isSettled(): boolean {
    return !this.running && this.needed === 'none' && this.dirty.size === 0 && this.held.size === 0;
  }

  /** How often the bucket was found without what had been written to it. */
  get repairs(): number {
    return this.repaired;
  }

  private kick(): void {
    if (this.running || this.stopped || this.link.current === undefined) return;
    this.cancelRetry?.();
    this.cancelRetry = undefined;
    this.running = true;
    const run = ++this.run;
    // After the current event loop iteration: a change of state must not wait for the encoding of an entry.
    setImmediate(() => {
      this.write(run).then(
        () => this.finished(run),
        (error: unknown) => this.failed(run, error),
      );
    });
  }

  private finished(run: number): void {
    if (run !== this.run || !this.running) return;
    this.running = false;
    this.wait = 250;
    this.compareLater();
    if (!this.isSettled()) this.kick();
    else for (const finish of this.waiters) finish();
  }

  private compareLater(): void {
    if (this.stopped || this.source === undefined) return;
    this.cancelCompare ??= this.clock.schedule(this.compareMs, () => {
      this.cancelCompare = undefined;
      void this.compare();
    });
  }

  /**
   * Checks whether the bucket still has what was written: keys may have been purged, the bucket deleted, or its server
   * restored from an older copy. Differences are written again; until then the bucket is not settled.
   */
  private async compare(): Promise<void> {
    const { kv, run } = this;
    const isIdle = () => run === this.run && !this.running && !this.stopped && this.isSettled();
    if (kv !== undefined && isIdle()) {
      try {
        const now = await figuresOf(kv);
        if (now !== this.seen && isIdle()) {
          if (await this.differs(kv)) {
            if (isIdle()) this.repair('own');
          } else this.seen = now;
        }
      } catch {
        // The bucket is unreadable or gone: writing it again will show which, and is repeated until it succeeds.
        if (isIdle()) this.repair('all');
      }
    }
    if (!this.isSettled()) this.kick();
    this.compareLater();
  }

  /** Said and counted, since writing again may take less than the time between two looks at the metrics. */
  private repair(needed: 'own' | 'all'): void {
    this.needed = needed;
    this.repaired++;
    const fields = { bucket: this.bucket };
    this.log.warn(fields, `the bucket ${this.bucket} no longer has what was written to it; it is written again`);
  }

  /**
   * Whether an entry is missing or differs from what we wrote, or one of ours is there for a removed destination.
   * Entries written by another node for a destination that both serve are ignored; otherwise both would overwrite them
   * forever.
   */
  private async differs(kv: KV): Promise<boolean> {
    const stored = await readEntries(kv, this.bucket, this.clock);
    const wanted = new Set<string>();
    const partitions = new Set<string>();
    let seen = 0;
    for (const entry of this.source?.() ?? []) {
      const key = stateKey(entry);
      wanted.add(key);
      partitions.add(entry.partition);
      const value = stored.get(key);
      const isOther = value !== JSON.stringify(entry) && !this.isOfAnother(value);
      if (isOther && !this.heldKeys.has(key) && !this.dirty.has(key)) return true;
      if (++seen % 500 === 0) await nextIteration();
    }
    for (const [key, value] of stored) if (!wanted.has(key) && this.isOurs(value, partitions)) return true;
    return false;
  }

  /** Whether another node wrote a value; a value without a node name does not count. */
  private isOfAnother(value: string | undefined): boolean {
    const by = value === undefined ? undefined : parsed(value)?.node;
    return typeof by === 'string' && by !== this.node;
  }

  private failed(run: number, error: unknown): void {
    if (run !== this.run || !this.running) return;
    this.running = false;
    this.run++;
    if (error instanceof nats().NatsError && (error.code === '503' || error.api_error?.code === 404)) {
      // The bucket is gone, and with it the entries of destinations that have not changed since.
      this.kv = undefined;
      this.needed = this.source === undefined ? 'none' : 'all';
    }
    if (this.stopped) return;
    const now = this.clock.monotonic();
    if (now - this.loggedAt >= LOG_EVERY) {
      this.loggedAt = now;
      const fields = { bucket: this.bucket, waiting: this.dirty.size, cause: natsReason(error) };
      this.log.warn(fields, `states could not be written to the bucket ${this.bucket}; will retry`);
    }
    this.cancelRetry = this.clock.schedule(this.wait, () => this.kick());
    this.wait = Math.min(MAX_WAIT, this.wait * 2);
  }

  private async write(run: number): Promise<void> {
    const kv = this.kv ?? (await this.open());
    const current = () => run === this.run && !this.stopped;
    if (current()) this.kv = kv;
    while (this.needed !== 'none' && current()) {
      const { needed } = this;
      this.needed = 'none';
      let done = false;
      try {
        done = await this.syncNow(kv, needed === 'own', current);
      } finally {
        if (!done) this.needAgain(needed);
      }
    }
    while (this.dirty.size > 0 && current()) {
      const batch: [string, StateEntry][] = [];
      for (const each of this.dirty) {
        batch.push(each);
        if (batch.length === BATCH) break;
      }
      await Promise.all(
        batch.map(async ([key, entry]) => {
          await this.store(kv, key, JSON.stringify(entry), entry);
          if (this.dirty.get(key) === entry) this.dirty.delete(key);
        }),
      );
    }
  }

  /** Marks what an attempt did not finish as needed again, unless more is needed by now. */
  private needAgain(needed: 'own' | 'all'): void {
    if (this.needed !== 'all') this.needed = needed;
  }

  private async open(): Promise<KV> {
    const connection = this.link.current;
    if (connection === undefined) throw new Error('not connected');
    return connection.jetstream({ timeout: JETSTREAM_MS }).views.kv(this.bucket, { history: 1 });
  }

  /**
   * `ownOnly`: leaves what another node wrote. Returns whether it finished; false when `current` became false before.
   */
  private async syncNow(kv: KV, ownOnly: boolean, current: () => boolean): Promise<boolean> {
    const stored = await readEntries(kv, this.bucket, this.clock);
    await this.lookBack();
    const wanted = new Set<string>();
    const partitions = new Set<string>();
    let writes: Promise<unknown>[] = [];
    let seen = 0;
    const flush = async () => {
      const pending = writes;
      writes = [];
      await Promise.all(pending);
    };
    for (const listed of this.source?.() ?? []) {
      const key = stateKey(listed);
      if (!current()) return false;
      wanted.add(key);
      partitions.add(listed.partition);
      if (this.follow.owns?.(listed) === false) continue;
      if (ownOnly && this.isOfAnother(stored.get(key))) continue;
      const entry = this.resumed(listed, stored.get(key));
      if (this.heldKeys.has(key)) continue;
      const value = JSON.stringify(entry);
      if (stored.get(key) !== value) writes.push(this.store(kv, key, value, entry));
      if (writes.length >= BATCH) await flush();
      else if (++seen % 500 === 0) await nextIteration();
    }
    for (const [key, value] of stored) {
      if (!current()) return false;
      if (!wanted.has(key) && this.isOurs(value, partitions)) {
        this.dirty.delete(key);
        writes.push(kv.delete(key));
      }
      if (writes.length >= BATCH) await flush();
    }
    for (const [until, { key }] of this.held) if (!wanted.has(key)) this.forget(until, key);
    await flush();
    return current();
  }

  private forget(until: string, key: string): void {
    this.held.delete(until);
    this.heldKeys.delete(key);
  }

  /** The entry of a destination that had no event yet; its number continues from what an earlier run has written. */
  private resumed(entry: StateEntry, value: string | undefined): StateEntry {
    if (entry.seq > 0 || this.follow.resume === undefined) return entry;
    const found = value === undefined ? undefined : parsed(value);
    const written = found?.node === this.node && isPublished(found) ? found : undefined;
    const stored = this.tail?.get(eventKey(entry));
    return written === undefined && stored === undefined ? entry : this.follow.resume(entry, written, stored);
  }

  /** Reads the stream once: what is stored later is from this run. */
  private async lookBack(): Promise<void> {
    const connection = this.link.current;
    if (this.tail !== undefined || this.readTail === undefined || connection === undefined) return;
    try {
      this.tail = await this.readTail(connection);
    } catch (error) {
      // Without a connection it is tried again; without the permission to read the stream it is skipped.
      if (this.link.current !== connection) throw error;
      this.tail = new Map();
      const fields = { bucket: this.bucket, cause: natsReason(error) };
      this.log.info(
        fields,
        'the newest events could not be read back; event numbers continue from those in the bucket',
      );
    }
  }

  /** An entry that the server never accepts must not prevent the others from being written. */
  private async store(kv: KV, key: string, value: string, { partition, group, address }: StateEntry): Promise<void> {
    try {
      await kv.put(key, value);
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      const now = this.clock.monotonic();
      if (now - this.tooLargeLoggedAt < LOG_EVERY) return;
      this.tooLargeLoggedAt = now;
      const fields = { bucket: this.bucket, partition, set: group, bytes: value.length, cause: natsReason(error) };
      this.log.error(
        fields,
        `the state of ${address.slice(0, 100)} is too large for the bucket ${this.bucket}; left out`,
      );
    }
  }

  /**
   * We may remove an entry if we wrote it or serve its partition, but not while the partition's destinations are
   * unknown.
   */
  private isOurs(value: string, partitions: ReadonlySet<string>): boolean {
    const entry = parsed(value);
    const partition = typeof entry?.partition === 'string' ? entry.partition : undefined;
    if (partition !== undefined && this.follow.isLoading?.(partition) === true) return false;
    if (this.follow.owns !== undefined && isDestinationKey(entry) && !this.follow.owns(entry)) return false;
    return entry?.node === this.node || (partition !== undefined && partitions.has(partition));
  }
}
