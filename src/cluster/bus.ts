/** Result of a compare-and-set. `failed`: no answer, or refused for another reason; the value may have been stored. */
export type CommitOutcome =
  | { readonly kind: 'done'; readonly revision: number }
  | { readonly kind: 'conflict' }
  | {
      readonly kind: 'failed';
      readonly reason: string;
      /** The server has no room, so a retry within seconds is useless. */
      readonly full?: boolean;
      /** There is no bucket. */
      readonly gone?: boolean;
    };

/** A value of the bucket. Its revision is the sequence number of its write in the bucket's stream. */
export interface Stored {
  readonly revision: number;
  readonly text: string;
}

/** State of the bucket: the last sequence of its stream; `missing` when there is none; `failed` without an answer. */
export type BucketStatus = { readonly lastSequence: number } | 'missing' | 'failed';

/** Called for what comes from other nodes. No handler may throw. */
export interface BusHandlers {
  /** The connection works, for the first time or again. */
  up(): void;
  down(): void;
  /** A core message on "<prefix>.cluster.<cluster>.<kind>.<node>". */
  message(kind: string, node: string, text: string): void;
  /** A value was written by any node; text '' means removed. */
  record(key: string, revision: number, text: string): void;
  /** A question to this node; `answer` may be called later or never. */
  asked(text: string, answer: (text: string) => void): void;
}

/**
 * The functions of NATS that a node uses: core messages, which arrive while two nodes reach each other, and one bucket,
 * written by compare-and-set. Each `done` is called once, after the call returns, also when the connection is lost.
 * Nothing throws.
 */
export interface ClusterBus {
  readonly connected: boolean;
  /** Sets the handlers and begins to call them. */
  listen(handlers: BusHandlers): void;
  /** Publishes on "<kind>.<node>"; without a connection the message is lost. */
  publish(kind: string, node: string, text: string): void;
  /** Asks a node; `answer` is undefined when none comes in time. */
  ask(node: string, text: string, timeoutMs: number, done: (answer: string | undefined) => void): void;
  /** Writes `key` if its revision is still `expected` (0: never written). */
  commit(key: string, text: string, expected: number, done: (outcome: CommitOutcome) => void): void;
  /** Removes a value if its revision is still `expected`; `done`: whether it was removed. */
  remove(key: string, expected: number, done: (removed: boolean) => void): void;
  /** Reads the newest value from the leader. */
  get(key: string, done: (value: Stored | 'none' | 'failed') => void): void;
  /**
   * Reads all newest values from sequence `from` on. Then calls `done` with the last sequence of the stream, or
   * undefined when the read was interrupted. `partitions`: records of other partitions may be left out.
   */
  read(
    from: number,
    partitions: readonly string[],
    each: (key: string, revision: number, text: string) => void,
    done: (last: number | undefined) => void,
  ): void;
  /** Whether the bucket exists, and its last sequence. */
  status(done: (status: BucketStatus) => void): void;
  /** Creates the bucket unless it exists. */
  create(done: (made: boolean) => void): void;
}

/** Counters for metrics. */
export interface ClusterCounters {
  commits: number;
  conflicts: number;
  timeouts: number;
  takeovers: number;
  gaps: number;
  suspects: number;
  disagreements: number;
  republished: number;
  fences: number;
  generations: number;
  /** How often this node came back after being alone. */
  rejoins: number;
}

/** Counters of a cluster node, all zero. */
export function newCounters(): ClusterCounters {
  return {
    commits: 0,
    conflicts: 0,
    timeouts: 0,
    takeovers: 0,
    gaps: 0,
    suspects: 0,
    disagreements: 0,
    republished: 0,
    fences: 0,
    generations: 0,
    rejoins: 0,
  };
}
