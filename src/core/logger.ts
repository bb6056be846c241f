/** The methods of a pino logger that the product uses. Only the assembly of the program knows pino itself. */
export interface Logger {
  /** Each single step, for developers. */
  trace(fields: object, message: string): void;
  /** What one request does, for finding a fault. */
  debug(fields: object, message: string): void;
  /** What an operator wants to know in normal operation. */
  info(fields: object, message: string): void;
  /** Something that an operator may have to correct. */
  warn(fields: object, message: string): void;
  /** Something that an operator has to correct. */
  error(fields: object, message: string): void;
  /** The process ends. */
  fatal(fields: object, message: string): void;
  /** A logger that adds these fields to each line. */
  child(bindings: Record<string, unknown>): Logger;
  /** Whether lines of a level are written. */
  isLevelEnabled(level: string): boolean;
}

/** A logger that discards everything. */
export const nullLogger: Logger = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  fatal() {},
  child: () => nullLogger,
  isLevelEnabled: () => false,
};
