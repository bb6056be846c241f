/** The part of a pino logger that the product uses; everyone but the composition root takes this type. */
export interface Logger {
  /** Every step: for a developer. */
  trace(fields: object, message: string): void;
  /** What one request does: for whoever looks for a fault. */
  debug(fields: object, message: string): void;
  /** What an operator wants to know of a sound service. */
  info(fields: object, message: string): void;
  /** Something an operator may have to mend. */
  warn(fields: object, message: string): void;
  /** Something an operator has to mend. */
  error(fields: object, message: string): void;
  /** The process ends. */
  fatal(fields: object, message: string): void;
  /** A log whose lines all have these fields. */
  child(bindings: Record<string, unknown>): Logger;
  /** Whether lines of a level are written. */
  isLevelEnabled(level: string): boolean;
}

/** Discards everything. */
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
