import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/logger.js';

/** Milliseconds between two log lines about the same subject. */
const LOG_EVERY = 30_000;

/** Logs an outbox: outages of its target (every half minute), their end, and merged events. */
export class OutboxLog {
  private failingSince: number | undefined;
  private loggedAt = Number.NEGATIVE_INFINITY;
  private mergedLoggedAt = Number.NEGATIVE_INFINITY;

  /** `name`: name of the target. */
  constructor(
    private readonly name: string,
    private readonly log: Logger,
    private readonly clock: Clock,
  ) {}

  /** A delivery has failed. `depth`: events that wait. */
  failed(error: unknown, depth: number): void {
    const now = this.clock.monotonic();
    this.failingSince ??= now;
    if (now - this.loggedAt < LOG_EVERY) return;
    this.loggedAt = now;
    this.log.warn(
      { target: this.name, depth, cause: messageOf(error) },
      `event not delivered to ${this.name}; kept, will retry`,
    );
  }

  /**
   * A delivery succeeded and no other event is failing. Otherwise an event that can never be delivered would be logged
   * after each successful one.
   */
  recovered(depth: number): void {
    if (this.failingSince === undefined) return;
    const ms = Math.round(this.clock.monotonic() - this.failingSince);
    this.failingSince = undefined;
    this.loggedAt = Number.NEGATIVE_INFINITY;
    this.log.info({ target: this.name, depth, ms }, `events are delivered to ${this.name} again`);
  }

  /** An event was merged with a later one of its destination, since the outbox has reached its `limit`. */
  merged(limit: number, coalesced: number): void {
    const now = this.clock.monotonic();
    if (now - this.mergedLoggedAt < LOG_EVERY) return;
    this.mergedLoggedAt = now;
    this.log.warn(
      { target: this.name, limit, coalesced },
      `outbox of ${this.name} is full: events of the same destination are merged, the last state wins`,
    );
  }
}
