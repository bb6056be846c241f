import type { Clock } from '../../core/clock.js';
import { LineLimit } from '../../core/line-limit.js';
import type { Logger } from '../../core/logger.js';

/** Log lines at most in one second about faults at one location of a script. */
const MOST_LINES = 10;

/** Logs the faults of scripts, with a limit: a script that fails on each call must not fill the disk. */
export class ScriptLog {
  private readonly limit: LineLimit;

  constructor(
    private readonly log: Logger,
    clock: Clock,
  ) {
    this.limit = new LineLimit(1000, MOST_LINES, () => clock.monotonic());
  }

  /** Writes a line about a location; `suppressed` in it says how many were left out before it. */
  write(level: 'error' | 'warn', position: string, fields: object, message: string): void {
    const suppressed = this.limit.admit(position);
    if (suppressed === undefined) return;
    this.log[level](suppressed === 0 ? fields : { ...fields, suppressed }, message);
  }
}
