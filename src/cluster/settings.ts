/** Which node probes a destination and whose result counts. */
export type ProbingMode = 'all' | 'by-shtag' | 'distributed';

/** How it is decided that a destination is down. */
export type VerdictMode = 'quorum' | 'owner' | 'own' | 'shared' | 'zone';

/** The settings of the cluster; times in milliseconds unless noted. */
export interface ClusterSettings {
  readonly name: string;
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
  readonly probing: ProbingMode;
  readonly verdict: VerdictMode;
  readonly zone: string;
  readonly weight: number;
  /** With `by-shtag`: the tag whose holder probes. */
  readonly sharingTag: string | undefined;
  readonly tags: ReadonlyMap<string, TagSettings>;
  readonly reload: boolean;
  /** Seconds over which the nodes distribute a reload. */
  readonly reloadSpread: number;
  /** Probes per second of destinations outside this node's share while it is alone. */
  readonly aloneProbeRate: number;
  /** Seconds for which the calls of a dead node still count. */
  readonly loadKeep: number;
}

/** Settings of a sharing tag. */
export interface TagSettings {
  /** Nodes that take the tag first, in this order. */
  readonly prefer: readonly string[];
  /** Whether another node takes it automatically when its holder is dead. */
  readonly auto: boolean;
}

/** How a partition takes part. */
export interface PartitionShare {
  readonly probing: ProbingMode;
  readonly sharingTag: string | undefined;
  /** Each node routes by its own results; only orders of operators and scripts are shared. */
  readonly ownVerdict: boolean;
  /** The nodes of a zone share their results; only orders are shared between zones. */
  readonly perZone?: boolean;
}
