import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';

/** Log lines at most in one second about faults at one location of a script. */
const MOST_LINES = 10;
/** Locations remembered. */
const MAX_POSITIONS = 1000;

interface Position {
  second: number;
  lines: number;
  left: number;
}

/** Logs the faults of scripts, with a limit: a script that fails on each call must not fill the disk. */
export class ScriptLog {
  private readonly positions = new Map<string, Position>();

  constructor(
    private readonly log: Logger,
    private readonly clock: Clock,
  ) {}

  /** Writes a line about a location; `suppressed` in it says how many were left out before it. */
  write(level: 'error' | 'warn', position: string, fields: object, message: string): void {
    const second = Math.floor(this.clock.monotonic() / 1000);
    let known = this.positions.get(position);
    if (known === undefined) {
      if (this.positions.size >= MAX_POSITIONS) this.positions.clear();
      known = { second, lines: 0, left: 0 };
      this.positions.set(position, known);
    }
    if (known.second !== second) {
      known.second = second;
      known.lines = 0;
    }
    if (known.lines >= MOST_LINES) {
      known.left++;
      return;
    }
    known.lines++;
    const more = known.left === 0 ? {} : { suppressed: known.left };
    known.left = 0;
    this.log[level]({ ...fields, ...more }, message);
  }
}
