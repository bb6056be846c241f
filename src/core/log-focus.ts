import type { Logger } from './logger.js';

/** The numbers of pino's levels. */
const LEVELS = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60, silent: Number.POSITIVE_INFINITY };
const NUMBERS: Readonly<Record<string, number>> = LEVELS;

/** Selects the lines about one partition, or about one call. */
export interface Focus {
  readonly partition?: string | undefined;
  readonly callId?: string | undefined;
}

/** A focus in effect. `seconds`: how much longer. */
export interface ActiveFocus extends Focus {
  readonly level: string;
  readonly seconds: number;
}

/** Maximum number of focuses at a time. */
const MAX_FOCUSES = 32;

/** A logger whose level can be changed while it runs, for all lines or for those about one partition or call. */
export interface FocusableLogger extends Logger {
  level: string;
  /** Sets the level for lines about a partition or call for some seconds; 0 ends it. False when there are too many. */
  focus(focus: Focus, level: string, seconds: number): boolean;
  focuses(): readonly ActiveFocus[];
}

/** Makes such a logger from one that writes every level. Child loggers follow its levels. */
export function focusable(log: Logger, level: string, now: () => number): FocusableLogger {
  return new Focusable(log, new Levels(level, now), {});
}

/** The levels that a logger and its children share. */
class Levels {
  base: number;
  /** The lowest level that any line may have. */
  lowest: number;
  private list: { focus: Focus; name: string; number: number; until: number }[] = [];

  constructor(
    public name: string,
    private readonly now: () => number,
  ) {
    this.base = numberOf(name);
    this.lowest = this.base;
  }

  use(name: string): void {
    this.name = name;
    this.base = numberOf(name);
    this.settle();
  }

  focus(focus: Focus, name: string, seconds: number): boolean {
    const others = this.current().filter((each) => !isSame(each.focus, focus));
    if (seconds > 0 && others.length >= MAX_FOCUSES) return false;
    const until = this.now() + seconds * 1000;
    this.list = seconds > 0 ? [...others, { focus, name, number: numberOf(name), until }] : others;
    this.settle();
    return true;
  }

  focuses(): readonly ActiveFocus[] {
    const now = this.now();
    return this.current().map(({ focus, name, until }) => ({
      ...focus,
      level: name,
      seconds: Math.ceil((until - now) / 1000),
    }));
  }

  /** Whether a line of this level is written. */
  takes(number: number, fields: Focus, bindings: Focus): boolean {
    if (number >= this.base) return true;
    if (number < this.lowest) return false;
    const partition = fields.partition ?? bindings.partition;
    const callId = fields.callId ?? bindings.callId;
    return this.current().some(
      ({ focus, number: wanted }) =>
        number >= wanted &&
        (focus.partition === undefined || focus.partition === partition) &&
        (focus.callId === undefined || focus.callId === callId),
    );
  }

  private current() {
    const now = this.now();
    if (this.list.some(({ until }) => until <= now)) {
      this.list = this.list.filter(({ until }) => until > now);
      this.settle();
    }
    return this.list;
  }

  private settle(): void {
    this.lowest = Math.min(this.base, ...this.list.map(({ number }) => number));
  }
}

class Focusable implements FocusableLogger {
  constructor(
    private readonly log: Logger,
    private readonly levels: Levels,
    private readonly bindings: Focus,
  ) {}

  get level(): string {
    return this.levels.name;
  }

  set level(name: string) {
    this.levels.use(name);
  }

  trace(fields: object, message: string): void {
    if (this.levels.takes(LEVELS.trace, fields, this.bindings)) this.log.trace(fields, message);
  }

  debug(fields: object, message: string): void {
    if (this.levels.takes(LEVELS.debug, fields, this.bindings)) this.log.debug(fields, message);
  }

  info(fields: object, message: string): void {
    if (this.levels.takes(LEVELS.info, fields, this.bindings)) this.log.info(fields, message);
  }

  warn(fields: object, message: string): void {
    if (this.levels.takes(LEVELS.warn, fields, this.bindings)) this.log.warn(fields, message);
  }

  error(fields: object, message: string): void {
    if (this.levels.takes(LEVELS.error, fields, this.bindings)) this.log.error(fields, message);
  }

  fatal(fields: object, message: string): void {
    if (this.levels.takes(LEVELS.fatal, fields, this.bindings)) this.log.fatal(fields, message);
  }

  child(bindings: Record<string, unknown>): Logger {
    return new Focusable(this.log.child(bindings), this.levels, { ...this.bindings, ...bindings });
  }

  /** Whether some line of this level may be written. */
  isLevelEnabled(level: string): boolean {
    return numberOf(level) >= this.levels.lowest;
  }

  focus(focus: Focus, level: string, seconds: number): boolean {
    return this.levels.focus(focus, level, seconds);
  }

  focuses(): readonly ActiveFocus[] {
    return this.levels.focuses();
  }
}

function numberOf(level: string): number {
  return NUMBERS[level] ?? LEVELS.info;
}

function isSame(one: Focus, other: Focus): boolean {
  return one.partition === other.partition && one.callId === other.callId;
}
