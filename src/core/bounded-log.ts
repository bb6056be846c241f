import type { Logger } from './logger.js';

export interface LogBounds {
  /** Milliseconds one kind of line is counted over. Default a minute. */
  readonly windowMs: number;
  /** Lines of one kind in that time. Default 10; of one source (the field `from`, or `source`) one. */
  readonly lines: number;
  /** Characters of one value at most. Default 256; of an error's stack eight times as many. */
  readonly characters: number;
}

/** Kinds that are counted at once. */
const MOST_KINDS = 1000;

interface Kind {
  began: number;
  lines: number;
  suppressed: number;
  readonly sources: Set<string>;
}

/**
 * A logger for lines that peers can cause: a peer cannot fill a disk with repeated or very long invalid input. Lines
 * are of one kind that have the same level and message. The next line of a kind after some were left out says how many,
 * as `suppressed`. Levels below info are not limited: they are written only when enabled.
 */
export function boundedLog(log: Logger, now: () => number, bounds: Partial<LogBounds> = {}): Logger {
  const { windowMs = 60_000, lines = 10, characters = 256 } = bounds;
  const kinds = new Map<string, Kind>();
  const write = (level: 'info' | 'warn' | 'error' | 'fatal', fields: object, message: string): void => {
    const name = `${level} ${message}`;
    const at = now();
    let kind = kinds.get(name);
    if (kind === undefined) {
      if (kinds.size >= MOST_KINDS) kinds.clear();
      kind = { began: at, lines: 0, suppressed: 0, sources: new Set() };
      kinds.set(name, kind);
    } else if (at - kind.began >= windowMs) {
      kind.began = at;
      kind.lines = 0;
      kind.sources.clear();
    }
    const { from, source = from } = fields as { from?: unknown; source?: unknown };
    const known = typeof source === 'string' && kind.sources.has(hostOf(source));
    if (known || kind.lines >= lines) {
      kind.suppressed++;
      return;
    }
    kind.lines++;
    if (typeof source === 'string') kind.sources.add(hostOf(source));
    const more = kind.suppressed === 0 ? {} : { suppressed: kind.suppressed };
    kind.suppressed = 0;
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
