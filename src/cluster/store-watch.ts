import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import type { ClusterBus, ClusterCounters } from './bus.js';
import type { Following } from './following.js';
import { PROTOCOL } from './heartbeat.js';
import type { Owners } from './owners.js';
import type { Entry } from './record-entry.js';
import type { Records } from './records.js';
import type { Values } from './values.js';

/** The parts of a node that this file uses. */
export interface WatchingNode {
  readonly now: number;
  /** Whether the node has read the bucket and follows it. */
  readonly isThere: boolean;
  readonly records: Records;
  readonly values: Values;
  readonly following: Following;
  readonly owners: Owners;
  readonly counters: ClusterCounters;
  readonly options: {
    readonly node: string;
    readonly bus: ClusterBus;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Logger;
  };
  writeMember(): void;
}

const RETRY_MS = 500;
/** Milliseconds after which other nodes write what its owner has not yet written again to a bucket that lost it. */
const REPAIR_MS = 2000;

/**
 * Checks whether the bucket is still the one this node knows. If a server came back without its files or lost its last
 * writes, the bucket's generation or sequence shows it; the nodes then write again what was lost.
 */
export class StoreWatch {
  /** ID of the bucket's generation; '' while unknown. */
  generation = '';
  /** Monotonic time of the last check. */
  inspectedAt = 0;
  /** Records to be written again. */
  private repairing: Entry[] | undefined;
  private readonly unrepaired: Entry[] = [];
  /** The bucket has lost something and was not read since. */
  private unread = false;
  private readingAgain = false;

  constructor(private readonly node: WatchingNode) {}

  /** Whether records are being written again, some at each tick. */
  get isRepairing(): boolean {
    return this.repairing !== undefined;
  }

  /** The bucket has an older record than this node. */
  stale(entry: Entry): void {
    this.repairing = [...(this.repairing ?? []), entry];
  }

  /** A record is missing: checks the bucket, but not too often. */
  suspect(): void {
    if (this.node.now - this.inspectedAt >= RETRY_MS) this.inspect();
  }

  /** Checks whether the bucket is still the one this node knows. */
  inspect(): void {
    this.inspectedAt = this.node.now;
    this.node.options.bus.status((status) => {
      if (status === 'failed' || !this.node.isThere) return;
      if (status === 'missing') {
        this.node.options.bus.create((made) => {
          if (made && this.node.isThere) this.check(() => {});
        });
        return;
      }
      if (status.lastSequence < this.node.following.feed.rev) this.startAgain('it has lost its last writes');
      else this.check(() => {});
    });
  }

  /** Reads the generation of the bucket, or creates it. If it is another bucket than before, it is filled again. */
  check(done: (ok: boolean) => void): void {
    this.node.options.bus.get('gen', (value) => {
      if (value === 'failed') return done(false);
      if (value === 'none') {
        const id = this.node.options.random.token(4);
        const text = JSON.stringify({ id, pv: PROTOCOL, by: this.node.options.node });
        this.node.options.bus.commit('gen', text, 0, (outcome) => {
          if (outcome.kind === 'failed') return done(false);
          // If another node was faster, reads what that one wrote.
          this.check(done);
        });
        return;
      }
      const id = generationOf(value.text);
      if (id === undefined) return done(false);
      const known = this.generation;
      this.generation = id;
      if (known !== '' && known !== id) this.startAgain('it was created again');
      else if (this.unread) this.readAgain();
      done(true);
    });
  }

  /** The bucket has lost writes: reads everything and writes again what is missing, newest first. */
  private startAgain(why: string): void {
    this.node.counters.generations++;
    this.node.options.log.warn(
      { why, records: this.node.records.entries.size },
      `cluster: records are written again to the bucket: ${why}`,
    );
    this.node.following.feed.reset();
    this.node.records.forgetRevisions();
    this.node.values.forgetRevisions();
    this.unread = true;
    this.readAgain();
  }

  /**
   * Reads the whole bucket and repairs it. Tries again until this has succeeded, also after a loss of the connection.
   */
  private readAgain(): void {
    if (this.readingAgain) return;
    this.readingAgain = true;
    const { generation } = this;
    this.node.following.read(1, (whole) => {
      this.readingAgain = false;
      if (!whole || generation !== this.generation) {
        const { clock, bus } = this.node.options;
        clock.schedule(RETRY_MS, () => {
          if (bus.connected && this.unread) this.readAgain();
        });
        return;
      }
      this.unread = false;
      this.repairing = [...this.node.records.entries.values()].filter((entry) => entry.record !== undefined);
      this.node.writeMember();
      this.restoreValues();
      this.repair();
      this.node.records.pump();
    });
  }

  /** Writes some of the records: each node those it owns, and a while later those still missing. */
  repair(): void {
    const left = this.repairing;
    if (left === undefined || !this.node.options.bus.connected) return;
    for (let count = 0; count < 200; count++) {
      const entry = left.pop();
      if (entry === undefined) break;
      if (entry.rev > 0 && !entry.stale) continue;
      const { destination } = entry;
      if (destination === undefined || this.node.owners.owns(destination)) this.node.records.restore(entry, entry.rev);
      else this.unrepaired.push(entry);
    }
    if (left.length > 0) return;
    this.repairing = undefined;
    const rest = this.unrepaired.splice(0);
    if (rest.length === 0) return;
    this.node.options.clock.schedule(REPAIR_MS, () => {
      for (const entry of rest) if (entry.rev === 0 || entry.stale) this.node.records.restore(entry, entry.rev);
    });
  }

  private restoreValues(): void {
    for (const [key, text] of [...this.node.values.under('')]) {
      if (key === 'gen' || key.startsWith('m.')) continue;
      this.node.values.update(key, (there) => (there === '' || there === text ? text : undefined));
    }
  }
}

function generationOf(text: string): string | undefined {
  try {
    const id = (JSON.parse(text) as { id?: unknown } | null)?.id;
    return typeof id === 'string' && id !== '' && id.length <= 64 ? id : undefined;
  } catch {
    return undefined;
  }
}
