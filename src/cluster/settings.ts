/** Who probes a destination and whose verdict counts. */
export type ProbingMode = 'all' | 'by-shtag' | 'distributed';

/** How an owner decides that a destination is down. */
export type VerdictMode = 'quorum' | 'owner' | 'own' | 'shared' | 'zone';

/** What of the settings the cluster looks at; times in milliseconds unless said otherwise. */
export interface ClusterSettings {
  readonly name: string;
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
  readonly probing: ProbingMode;
  readonly verdict: VerdictMode;
  readonly zone: string;
  readonly weight: number;
  /** Tag whose holder probes with `by-shtag`. */
  readonly sharingTag: string | undefined;
  readonly tags: ReadonlyMap<string, TagSettings>;
  readonly reload: boolean;
  /** Seconds over which the nodes spread a reload. */
  readonly reloadSpread: number;
  /** Probes a second of what is not this node's share while it is alone. */
  readonly aloneProbeRate: number;
  /** Seconds the calls of a node that is gone still count. */
  readonly loadKeep: number;
}

/** How a sharing tag is taken. */
export interface TagSettings {
  /** Nodes that take the tag first, in this order. */
  readonly prefer: readonly string[];
  /** Whether it is taken by itself when its holder is dead. */
  readonly auto: boolean;
}

/** What a partition says of itself. */
export interface PartitionShare {
  readonly probing: ProbingMode;
  readonly sharingTag: string | undefined;
  /** Each node routes by its own findings; only orders of operators and scripts are shared. */
  readonly ownVerdict: boolean;
  /** Nodes of one zone find out among themselves; only orders are shared with the others. */
  readonly perZone?: boolean;
}
