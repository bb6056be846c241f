import type { Clock } from '../../core/clock.js';
import { LineLimit } from '../../core/line-limit.js';
import type { Logger } from '../../core/logger.js';

/** Maximum number of log lines in one second about faults at one position of a script. */
const MAX_LINES = 10;

/** Logs faults of scripts with a limit: a script that fails for each call must not fill the disk. */
export class ScriptLog {
  private readonly limit: LineLimit;

  constructor(
    private readonly log: Logger,
    clock: Clock,
  ) {
    this.limit = new LineLimit(1000, MAX_LINES, () => clock.monotonic());
  }

  /** Writes a line about a position; its field `suppressed` is the number of lines left out before it. */
  write(level: 'error' | 'warn', position: string, fields: object, message: string): void {
    const suppressed = this.limit.admit(position);
    if (suppressed === undefined) return;
    this.log[level](suppressed === 0 ? fields : { ...fields, suppressed }, message);
  }
}
