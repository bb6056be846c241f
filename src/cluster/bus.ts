/** How a compare-and-set ended. `failed`: no answer, or refused for another reason; it may have been stored all the same. */
export type CommitOutcome =
  | { readonly kind: 'done'; readonly revision: number }
  | { readonly kind: 'conflict' }
  | {
      readonly kind: 'failed';
      readonly reason: string /** The server has no room: no retry within seconds. */;
      readonly full?: boolean /** There is no bucket. */;
      readonly gone?: boolean;
    };

/** A value of the bucket; its revision is the sequence of the stream at which it was written. */
export interface Stored {
  readonly revision: number;
  readonly text: string;
}

/** What the bucket is now: the last sequence of its stream, `missing` when there is none, `failed` without an answer. */
export type BucketStatus = { readonly lastSequence: number } | 'missing' | 'failed';

/** What a node does with what comes from the others. Nothing of it may throw. */
export interface BusHandlers {
  /** The connection works, for the first time or again. */
  up(): void;
  down(): void;
  /** A core message below "<prefix>.cluster.<cluster>.": its first token, the node it names, its text. */
  message(kind: string, node: string, text: string): void;
  /** A value was written, by anybody. Removed: text ''. */
  record(key: string, revision: number, text: string): void;
  /** A question to this node; `answer` may be called later, or never. */
  asked(text: string, answer: (text: string) => void): void;
}

/**
 * What a node needs of NATS: core messages, which come as long as two nodes reach each other, and one bucket that is
 * written by compare-and-set. Every `done` is called once, later, also when the connection is lost; nothing throws.
 */
export interface ClusterBus {
  readonly connected: boolean;
  /** Begins to call the handlers. */
  listen(handlers: BusHandlers): void;
  /** Publishes on "<kind>.<node>"; lost without a connection. */
  publish(kind: string, node: string, text: string): void;
  /** Asks a node; undefined: no answer in time. */
  ask(node: string, text: string, timeoutMs: number, done: (answer: string | undefined) => void): void;
  /** Writes `key` when its revision is still `expected` (0: it was never written). */
  commit(key: string, text: string, expected: number, done: (outcome: CommitOutcome) => void): void;
  /** Takes a value away that nobody has changed since `expected`; `done`: whether it was. */
  remove(key: string, expected: number, done: (removed: boolean) => void): void;
  /** The newest value, from the leader. */
  get(key: string, done: (value: Stored | 'none' | 'failed') => void): void;
  /**
   * Every newest value from sequence `from` on, then the last sequence of the stream; undefined when it broke off. `partitions`:
   * of records only those of these partitions need to come.
   */
  read(
    from: number,
    partitions: readonly string[],
    each: (key: string, revision: number, text: string) => void,
    done: (last: number | undefined) => void,
  ): void;
  /** Whether the bucket is there, and its last sequence. */
  status(done: (status: BucketStatus) => void): void;
  /** Makes the bucket unless it is there. */
  create(done: (made: boolean) => void): void;
}

/** Counts for metrics; they only grow. */
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
  /** Returns from being alone. */
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
