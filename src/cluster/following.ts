import type { ClusterBus, ClusterCounters } from './bus.js';
import { FeedPosition } from './feed.js';
import type { Membership } from './membership.js';

/** The parts of a node that this file uses. */
export interface FollowingNode {
  readonly now: number;
  /** Whether the bucket was read once and is being followed. */
  readonly isThere: boolean;
  readonly membership: Membership;
  readonly counters: ClusterCounters;
  readonly store: { readonly generation: string };
  readonly options: {
    readonly bus: ClusterBus;
    readonly clock: { schedule(delayMs: number, run: () => void): unknown };
  };
  /** The partitions that this node has loaded. */
  readonly rows: { names(): Iterable<string> };
  /** Applies a value of the bucket; `live`: it has just been written. */
  take(key: string, revision: number, text: string, live: boolean): void;
}

const RETRY_MS = 500;
/** Milliseconds another node may be ahead before this one reads what it misses. */
const LAG_MS = 1000;

/** Keeps up with the bucket: receives each write that the server publishes, and reads what was missed. */
export class Following {
  readonly feed = new FeedPosition();
  private reading = false;
  private behindSince: number | undefined;

  constructor(private readonly node: FollowingNode) {}

  /** Milliseconds for which another node has been ahead of this one. */
  get lagMs(): number {
    return this.behindSince === undefined ? 0 : this.node.now - this.behindSince;
  }

  /** A write was published. */
  came(key: string, revision: number, text: string): void {
    const { node, feed } = this;
    node.take(key, revision, text, true);
    feed.came(revision);
    if (feed.hasGap && !this.reading && node.isThere) this.fill();
  }

  /** The connection was lost, so a running read has ended. */
  interrupted(): void {
    this.reading = false;
  }

  /** Reads and applies what was written since. */
  catchUp(done: (whole: boolean) => void): void {
    this.read(this.feed.rev + 1, done);
  }

  /** Reads the records of a partition that was loaded after this node had joined. */
  readPartition(partition: string): void {
    const { node } = this;
    if (!node.isThere || !node.options.bus.connected) return;
    const { generation } = node.store;
    node.options.bus.read(
      1,
      [partition],
      (key, revision, text) => {
        if (generation === node.store.generation) node.take(key, revision, text, false);
      },
      (last) => {
        if (last !== undefined) return;
        node.options.clock.schedule(RETRY_MS, () => this.readPartition(partition));
      },
    );
  }

  /** Reads the bucket from a sequence on and applies all values. */
  read(from: number, done: (whole: boolean) => void): void {
    this.reading = true;
    const { node } = this;
    const { generation } = node.store;
    node.options.bus.read(
      from,
      [...node.rows.names()],
      (key, revision, text) => {
        if (generation === node.store.generation) node.take(key, revision, text, false);
      },
      (last) => {
        this.reading = false;
        if (last !== undefined && generation === node.store.generation) this.feed.reach(last);
        else if (node.isThere && node.options.bus.connected) {
          node.options.clock.schedule(RETRY_MS, () => {
            if (node.isThere && !this.reading && generation === node.store.generation) this.read(from, () => {});
          });
        }
        done(last !== undefined);
      },
    );
  }

  /** If another node has been ahead for a while, a published write was lost. Call it every second. */
  checkLag(): void {
    const { node } = this;
    let max = 0;
    for (const peer of node.membership.others.values()) {
      if (peer.gen === node.store.generation) max = Math.max(max, peer.rev);
    }
    if (max <= this.feed.rev) this.behindSince = undefined;
    else if (this.behindSince === undefined) this.behindSince = node.now;
    else if (node.now - this.behindSince >= LAG_MS && node.isThere && !this.reading && node.options.bus.connected) {
      this.behindSince = undefined;
      this.fill();
    }
  }

  private fill(): void {
    this.node.counters.gaps++;
    this.catchUp(() => {});
  }
}
