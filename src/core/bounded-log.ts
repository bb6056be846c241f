import { LineLimit } from './line-limit.js';
import type { Logger } from './logger.js';

/** How many lines peers can cause, and how long. */
export interface LogBounds {
  /** Milliseconds one kind of line is counted over. Default a minute. */
  readonly windowMs: number;
  /** Lines of one kind in that time. Default 10; of one source (the field `from`, or `source`) one. */
  readonly lines: number;
  /** Characters of one value at most. Default 256; of an error's stack eight times as many. */
  readonly characters: number;
}

/**
 * A logger for lines that peers can cause: a peer cannot fill a disk with repeated or very long invalid input. Lines
 * are of one kind that have the same level and message. The next line of a kind after some were left out says how many,
 * as `suppressed`. Levels below info are not limited: they are written only when enabled.
 */
export function boundedLog(log: Logger, now: () => number, bounds: Partial<LogBounds> = {}): Logger {
  const { windowMs = 60_000, lines = 10, characters = 256 } = bounds;
  const limit = new LineLimit(windowMs, lines, now);
  const write = (level: 'info' | 'warn' | 'error' | 'fatal', fields: object, message: string): void => {
    const { from, source = from } = fields as { from?: unknown; source?: unknown };
    const suppressed = limit.admit(`${level} ${message}`, typeof source === 'string' ? hostOf(source) : undefined);
    if (suppressed === undefined) return;
    const more = suppressed === 0 ? {} : { suppressed };
    log[level]({ ...shortened(fields, characters), ...more }, cut(message, characters));
  };
  return {
    trace: (fields, message) => log.trace(fields, message),
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => write('info', fields, message),
    warn: (fields, message) => write('warn', fields, message),
    error: (fields, message) => write('error', fields, message),
    fatal: (fields, message) => write('fatal', fields, message),
    child: (bindings) => boundedLog(log.child(bindings), now, bounds),
    isLevelEnabled: (level) => log.isLevelEnabled(level),
  };
}

/** An address without its port: a source is a host. */
function hostOf(source: string): string {
  const colon = source.lastIndexOf(':');
  return colon < 0 ? source : source.slice(0, colon);
}

function shortened(fields: object, characters: number): object {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, short(value, characters)]));
}

function short(value: unknown, characters: number): unknown {
  if (typeof value === 'string') return cut(value, characters);
  if (value instanceof Error) {
    const { name, message, stack = '' } = value;
    return { type: name, message: cut(message, characters), stack: cut(stack, 8 * characters) };
  }
  return value;
}

function cut(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters)}... (${text.length} characters)`;
}
