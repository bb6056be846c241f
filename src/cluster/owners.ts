import type { Destination, Health } from '../engine/destination.js';
import type { Phase } from './heartbeat.js';
import type { Membership } from './membership.js';
import { type Candidate, ownerOf, rankOwners } from './ownership.js';
import type { ClusterRows } from './rows.js';
import type { ClusterSettings, PartitionShare } from './settings.js';
import type { Values } from './values.js';

/**
 * After a change of nodes, rows or tags, the owners of this many destinations are computed at once; the others at the
 * next ticks.
 */
const SWEEP = 20_000;
/**
 * Milliseconds for which two nodes may have different rows of a partition before neither relies on the other for it.
 */
const DIFFER_MS = 30_000;
/** Milliseconds for which a node is alone before it probes more than its share. */
const ALONE_MORE_MS = 3000;

interface Owned {
  readonly version: number;
  readonly owner: string | undefined;
}

/** The parts of a node that this file uses. */
export interface OwningNode {
  readonly name: string;
  readonly now: number;
  readonly phase: Phase;
  readonly refused: string | undefined;
  readonly rows: ClusterRows;
  readonly values: Values;
  readonly membership: Membership;
  readonly options: {
    readonly settings: ClusterSettings;
    readonly host: {
      share(partition: string): PartitionShare | undefined;
      probeSoon(destinations: readonly Destination[]): void;
    };
  };
  /** Gives everything up if the process was blocked. */
  guard(): void;
  onPhase(listen: (phase: Phase) => void): void;
  onTick(listen: (now: number) => void): void;
}

/**
 * Decides which node owns what: who probes a destination, publishes its events and writes its table. It follows from
 * the names of the nodes that are alive.
 */
export class Owners {
  /** Incremented by every change that may change an owner. */
  private version = 0;
  private seenMembers = -1;
  private readonly candidates = new Map<string, readonly Candidate[]>();
  private cache = new WeakMap<Health, Owned>();
  private sweep: Iterator<readonly [string, Destination]> | undefined;
  private readonly owned = new Map<string, number>();
  private counting = new Map<string, number>();
  /** Number of destinations by owner, as last computed, and as being computed now. */
  private shares = new Map<string, number>();
  private sharing = new Map<string, number>();
  private differing = new Map<string, number>();
  private aloneAt = 0;
  private hits = new WeakMap<Health, number>();
  private budget = 0;
  private budgetAt = 0;

  constructor(private readonly node: OwningNode) {
    node.onPhase((phase) => {
      if (phase !== 'alone') return;
      this.aloneAt = node.now;
      this.hits = new WeakMap();
    });
    node.onTick(() => {
      if (this.sweep !== undefined) {
        const gained = this.continueSweep();
        if (gained.length > 0) node.options.host.probeSoon(gained);
      }
    });
  }

  /** Whether owners are being recomputed, some at each tick. */
  get isSweeping(): boolean {
    return this.sweep !== undefined;
  }

  /** The tags that this node holds, for its heartbeat. Set by tags.ts. */
  ownTags: () => readonly string[] = () => [];
  /** The holder of a tag. Set by tags.ts. */
  holder: (tag: string) => string | undefined = () => undefined;

  /** Number of destinations that this node owns, by partition, as last computed. */
  get ownedCounts(): ReadonlyMap<string, number> {
    return this.owned;
  }

  /** Number of destinations that a node owns, as last computed. */
  sharesOf(name: string): number {
    return this.shares.get(name) ?? 0;
  }

  /** The node that owns a destination now; undefined: none. */
  ownerOf(destination: Destination): string | undefined {
    const known = this.cache.get(destination.health);
    if (known?.version === this.current()) return known.owner;
    const owner = this.decide(destination);
    this.cache.set(destination.health, { version: this.version, owner });
    return owner;
  }

  /** The nodes in the order in which they would own a destination; for quorums. */
  ranked(destination: Destination): readonly string[] {
    return rankOwners(destination.key, this.candidatesOf(destination.partition));
  }

  /** Whether this node owns the destination: it publishes its events and writes its entry. */
  owns(destination: Destination): boolean {
    if (this.node.phase === 'joining' || this.node.phase === 'draining') return false;
    return this.ownerOf(destination) === this.node.name;
  }

  /** Whether this node's probes decide about the destination. */
  judges(destination: Destination): boolean {
    const { phase, options } = this.node;
    const share = options.host.share(destination.partition);
    if (share === undefined || share.probing === 'all') return true;
    return phase === 'alone' || this.owns(destination);
  }

  /** Whether this node probes the destination now. */
  probes(destination: Destination): boolean {
    const { node } = this;
    const share = node.options.host.share(destination.partition);
    if (share === undefined || share.probing === 'all') return true;
    node.guard();
    if (this.owns(destination)) return node.options.settings.weight > 0 || share.probing === 'by-shtag';
    return node.phase === 'alone' && this.needsAlone(destination);
  }

  /**
   * The one node for a task of the whole cluster, such as writing the table of a partition. `all`: choose among all
   * nodes, not only those that have loaded the partition.
   */
  keeperOf(what: string, all = false): string | undefined {
    const candidates = all ? this.everybody() : this.everybody().filter(({ name }) => this.serves(name, what));
    return ownerOf(what, candidates);
  }

  /** Whether this node is the one for a task. */
  keeps(what: string, all = false): boolean {
    const { phase } = this.node;
    return phase !== 'joining' && phase !== 'alone' && this.keeperOf(what, all) === this.node.name;
  }

  /** Nodes, rows or tags have changed. Returns the destinations that this node newly owns, as far as computed now. */
  invalidate(): readonly Destination[] {
    this.version++;
    this.candidates.clear();
    this.counting = new Map();
    this.sharing = new Map();
    this.sweep = this.node.rows.all()[Symbol.iterator]();
    return this.continueSweep();
  }

  /** Milliseconds for which the rows of a partition have differed between this node and another; 0: they do not. */
  differsMs(partition: string): number {
    let longest = 0;
    for (const [key, since] of this.differing) {
      if (key.endsWith(`\n${partition}`)) longest = Math.max(longest, this.node.now - since);
    }
    return longest;
  }

  private continueSweep(): readonly Destination[] {
    const { sweep, node } = this;
    if (sweep === undefined) return [];
    const gained: Destination[] = [];
    for (let count = 0; count < SWEEP; count++) {
      const next = sweep.next();
      if (next.done === true) {
        this.sweep = undefined;
        this.shares = this.sharing;
        this.owned.clear();
        for (const [partition, total] of this.counting) this.owned.set(partition, total);
        break;
      }
      const [, destination] = next.value;
      const before = this.cache.get(destination.health)?.owner;
      const owner = this.ownerOf(destination);
      if (owner !== undefined) this.sharing.set(owner, (this.sharing.get(owner) ?? 0) + 1);
      if (!this.owns(destination)) continue;
      this.counting.set(destination.partition, (this.counting.get(destination.partition) ?? 0) + 1);
      if (before !== node.name) gained.push(destination);
    }
    return gained;
  }

  private current(): number {
    const { version } = this.node.membership;
    if (version !== this.seenMembers) {
      this.seenMembers = version;
      this.version++;
      this.candidates.clear();
    }
    return this.version;
  }

  private decide(destination: Destination): string | undefined {
    const share = this.node.options.host.share(destination.partition);
    if (share?.probing === 'by-shtag' && share.sharingTag !== undefined) return this.holder(share.sharingTag);
    const skipped = this.skipped(destination);
    const candidates = this.candidatesOf(destination.partition);
    const able = skipped.size === 0 ? candidates : candidates.filter(({ name }) => !skipped.has(name));
    return ownerOf(destination.key, able.length === 0 ? candidates : able);
  }

  /** Nodes that cannot reach a destination for a while. Set by quorum.ts. */
  skipped: (destination: Destination) => ReadonlySet<string> = () => new Set();

  private candidatesOf(partition: string): readonly Candidate[] {
    this.current();
    let candidates = this.candidates.get(partition);
    if (candidates === undefined) {
      const { options, membership } = this.node;
      const perZone = options.host.share(partition)?.perZone === true;
      const isNear = (name: string) =>
        !perZone || (membership.others.get(name)?.zone ?? options.settings.zone) === options.settings.zone;
      candidates = this.everybody().filter(({ name }) => isNear(name) && this.serves(name, partition));
      this.candidates.set(partition, candidates);
    }
    return candidates;
  }

  /** All nodes that take part with a share. While this node is alone: also the others that are alone. */
  private everybody(): Candidate[] {
    const { node } = this;
    const { phase, options, membership } = node;
    const candidates: Candidate[] = [];
    const weight = options.settings.weight;
    if ((phase === 'ready' || phase === 'alone') && weight > 0) candidates.push({ name: node.name, weight });
    if (node.refused !== undefined) return candidates;
    for (const peer of membership.others.values()) {
      const counts = peer.phase === 'ready' || (phase === 'alone' && peer.phase === 'alone');
      if (counts && peer.weight > 0) candidates.push({ name: peer.name, weight: peer.weight });
    }
    return candidates;
  }

  /** Whether a node has the partition with the same rows as this one; true while nothing is known about that node. */
  private serves(name: string, partition: string): boolean {
    const { node } = this;
    if (name === node.name) return node.rows.has(partition);
    const text = node.values.get(`m.${name}`);
    const key = `${name}\n${partition}`;
    if (text === undefined) return true;
    const hashes = memberHashes(text);
    const theirs = hashes?.[partition];
    const ours = node.rows.hashOf(partition);
    if (hashes === undefined || theirs === ours || ours === undefined) {
      this.differing.delete(key);
      return theirs !== undefined || hashes === undefined;
    }
    if (theirs === undefined) return false;
    const since = this.differing.get(key) ?? node.now;
    this.differing.set(key, since);
    return node.now - since < DIFFER_MS;
  }

  /** A node that is alone must probe the destinations that its calls use, and those that are down. */
  private needsAlone(destination: Destination): boolean {
    const { now, options } = this.node;
    if (now - this.aloneAt < ALONE_MORE_MS) return false;
    const { health } = destination;
    const before = this.hits.get(health);
    this.hits.set(health, health.hits);
    if (health.state === 'active' && (before === undefined || before === health.hits)) return false;
    const rate = options.settings.aloneProbeRate;
    this.budget = Math.min(rate, this.budget + ((now - this.budgetAt) * rate) / 1000);
    this.budgetAt = now;
    if (this.budget < 1) return false;
    this.budget--;
    return true;
  }
}

/** The partitions that a node reports as loaded, with the hash of their rows; undefined when it reports nothing. */
export function memberHashes(text: string): Readonly<Record<string, string>> | undefined {
  try {
    const { partitions } = JSON.parse(text) as { partitions?: unknown };
    if (partitions === null || typeof partitions !== 'object') return undefined;
    const hashes: Record<string, string> = Object.create(null);
    for (const [name, hash] of Object.entries(partitions)) if (typeof hash === 'string') hashes[name] = hash;
    return hashes;
  } catch {
    return undefined;
  }
}
