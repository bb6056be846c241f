import type { Logger } from '../core/logger.js';
import type { LogLevel } from './protocol.js';

const SEVERITY: Readonly<Record<string, number>> = {
  trace: 0,
  debug: 1,
  info: 2,
  warn: 3,
  error: 4,
  fatal: 5,
  silent: 6,
};

/** The log of a worker: the brain writes its lines. */
export class SentLog implements Logger {
  constructor(
    private readonly send: (level: LogLevel, fields: object, message: string) => void,
    private readonly level: () => string,
  ) {}

  trace(fields: object, message: string): void {
    this.write('trace', fields, message);
  }

  debug(fields: object, message: string): void {
    this.write('debug', fields, message);
  }

  info(fields: object, message: string): void {
    this.write('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.write('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.write('error', fields, message);
  }

  fatal(fields: object, message: string): void {
    this.write('fatal', fields, message);
  }

  child(bindings: Record<string, unknown>): Logger {
    return new SentLog((level, fields, message) => this.send(level, { ...bindings, ...fields }, message), this.level);
  }

  isLevelEnabled(level: string): boolean {
    return (SEVERITY[level] ?? 0) >= (SEVERITY[this.level()] ?? 2);
  }

  private write(level: LogLevel, fields: object, message: string): void {
    if (this.isLevelEnabled(level)) this.send(level, plain(fields), message);
  }
}

/** Errors have no enumerable properties, which JSON would show. */
function plain(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Error
        ? { type: value.name, message: value.message, stack: value.stack ?? '' }
        : (value as unknown),
    ]),
  );
}
