import { createWriteStream, type WriteStream } from 'node:fs';
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import type { CallEntry } from './call-entry-types.js';

/** Bytes that may wait for the disk; records beyond that are dropped and counted. */
const MAX_WAITING = 8 * 1024 * 1024;
/** Milliseconds between two log lines about dropped records. */
const LOG_EVERY = 60_000;

/**
 * Writes call records to a file, one JSON line each. When the disk is slow or full, records are dropped; calls are not
 * delayed.
 */
export class CallLog {
  /** Records that were dropped. */
  dropped = 0;
  private stream: WriteStream | undefined = undefined;
  private loggedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly log: Logger,
    private readonly clock: Pick<Clock, 'monotonic'>,
  ) {}

  /** Appends to this file from now on; undefined: to none. What was written to the old file is completed. */
  open(path: string | undefined): void {
    this.stream?.end();
    this.stream = undefined;
    if (path === undefined) return;
    const stream = createWriteStream(path, { flags: 'a', mode: 0o640 });
    stream.on('error', (error) => {
      if (this.stream === stream) this.stream = undefined;
      this.lost(`${path}: ${messageOf(error)}`);
    });
    this.stream = stream;
  }

  /** Appends one record, or drops and counts it when the disk is too slow. Never throws. */
  write(entry: CallEntry): void {
    const { stream } = this;
    if (stream === undefined || stream.writableLength > MAX_WAITING) {
      this.dropped++;
      this.lost('the disk is too slow for call records');
    } else stream.write(`${JSON.stringify(entry)}\n`);
  }

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    const { stream } = this;
    this.stream = undefined;
    if (stream === undefined || stream.destroyed) return;
    await new Promise<void>((resolve) => {
      stream.once('error', () => resolve());
      stream.end(() => resolve());
    });
  }

  private lost(cause: string): void {
    const now = this.clock.monotonic();
    if (now - this.loggedAt < LOG_EVERY) return;
    this.loggedAt = now;
    this.log.warn({ cause, dropped: this.dropped }, 'call records cannot be written to their file');
  }
}
