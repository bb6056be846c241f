import { LineLimit } from './line-limit.js';
import type { Logger } from './logger.js';

/** Limits for log lines that peers can cause. */
export interface LogBounds {
  /** Milliseconds over which lines of one kind are counted. Default a minute. */
  readonly windowMs: number;
  /** Lines of one kind in that time, default 10; with the same source (field `from` or `source`), 1. */
  readonly lines: number;
  /** Longest value of a field. Default 256; for the stack of an error eight times as much. */
  readonly characters: number;
}

/**
 * Limits log lines that peers can cause, so that a peer cannot fill the disk with repeated or very long invalid input.
 * Lines with the same level and message are of one kind. If lines of a kind were left out, the next one has their
 * number in the field `suppressed`. Levels below info are not limited, since they are normally off.
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

/** An address without port, since a source is a host. */
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
