import { decodeToken } from '../events/subject.js';
import type { ClusterBus } from './bus.js';
import type { Phase } from './heartbeat.js';
import type { Owners } from './owners.js';
import type { Records } from './records.js';
import type { ClusterRows } from './rows.js';

/** The parts of a node that this file uses. */
export interface TidyingNode {
  readonly phase: Phase;
  readonly isOpen: boolean;
  readonly records: Records;
  readonly rows: ClusterRows;
  readonly owners: Owners;
  readonly options: { readonly bus: ClusterBus; readonly clock: { now(): number } };
  onTick(listen: (now: number) => void): void;
}

/** Records examined at a time, and milliseconds between two times: a million in a quarter of an hour. */
const RECORDS_PER_PASS = 1000;
const EVERY_MS = 1000;
const WEEK_MS = 7 * 24 * 3600 * 1000;
/** Maximum number of removals at a time. */
const MAX_REMOVED = 50;
const HOUR_MS = 3600 * 1000;

/**
 * Removes records that nobody needs: those of destinations that are in no rows any more, were not changed for a week,
 * and whose edges are all stored. A destination that comes back later begins with number 1. The age is computed with
 * the clock of the node that decided; if that was wrong, only the time of the removal changes.
 */
export class OldRecords {
  private walk: Iterator<string> | undefined;
  private readonly unknownSince = new Map<string, number>();
  private at = 0;

  constructor(
    private readonly node: TidyingNode,
    /** Whether any node reports that it has loaded the partition. */
    private readonly isLoaded: (partition: string) => boolean,
    /** Milliseconds for which a destination must have been unknown here, since rows may be changing. */
    private readonly unknownMs = HOUR_MS,
  ) {
    node.onTick((now) => {
      if (now - this.at < EVERY_MS || node.phase !== 'ready' || !node.isOpen) return;
      this.at = now;
      this.step(now);
    });
  }

  private step(now: number): void {
    const { entries } = this.node.records;
    this.walk ??= entries.keys();
    let removed = 0;
    for (let count = 0; count < RECORDS_PER_PASS && removed < MAX_REMOVED; count++) {
      const next = this.walk.next();
      if (next.done === true) {
        this.walk = undefined;
        break;
      }
      if (this.isDue(next.value, now)) {
        removed++;
        this.remove(next.value);
      }
    }
  }

  private isDue(key: string, now: number): boolean {
    const entry = this.node.records.entries.get(key);
    const record = entry?.record;
    const known = entry?.destination !== undefined || this.node.rows.holds(key);
    if (entry === undefined || record === undefined || known || entry.queue.length > 0) {
      this.unknownSince.delete(key);
      return false;
    }
    const since = this.unknownSince.get(key);
    if (since === undefined) {
      this.unknownSince.set(key, now);
      return false;
    }
    const changed = Date.parse(record.t);
    const old = Number.isNaN(changed) || this.node.options.clock.now() - changed > WEEK_MS;
    return now - since >= this.unknownMs && old && record.ev.every(({ q }) => q <= record.told) && this.isMine(key);
  }

  /** Only one node removes a record: the keeper of the partition, or any one if nobody has the partition. */
  private isMine(key: string): boolean {
    const { rows, owners } = this.node;
    const partition = decodeToken(key.split('.')[1] ?? '');
    if (partition === undefined) return false;
    if (rows.has(partition)) return owners.differsMs(partition) === 0 && owners.keeps(partition);
    return !this.isLoaded(partition) && owners.keeps(`gone ${partition}`, true);
  }

  private remove(key: string): void {
    const { records, options } = this.node;
    const revision = records.entries.get(key)?.rev ?? 0;
    this.unknownSince.delete(key);
    options.bus.remove(key, revision, (done) => {
      if (done) records.forget(key, revision);
    });
  }
}
