import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { OutboxJournal } from '../journal.js';
import type { EventMetrics } from '../metrics.js';
import type { FollowStates } from './nats-bucket-entries.js';
import type { MiAnswer } from './nats-mi.js';

/** What NATS needs besides its settings. */
export interface NatsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Name of this node: used as client name, in the service's metadata, and as writer of entries. */
  readonly node: string;
  /** Version shown by `nats micro ls`. */
  readonly version: string;
  readonly metrics?: EventMetrics;
  /**
   * Opens the journal that keeps events on disk until they are delivered; absent or undefined: they are kept in memory
   * only.
   */
  readonly openJournal?: () => (OutboxJournal & { close(): void }) | undefined;
  /** Whether call records are published, and the stream that stores them; absent: they are not. */
  readonly calls?: { readonly stream: string | undefined };
  /** What the bucket needs to know about the destinations. */
  readonly states?: FollowStates;
  /** Milliseconds between two checks of the bucket; default half a minute. */
  readonly compareMs?: number;
  /** Answers MI requests on `subject` (default "<prefix>.mi"). */
  readonly mi?: { readonly subject?: string; readonly answer: MiAnswer };
}
