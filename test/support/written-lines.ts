import type { Logger } from '../../src/core/logger.js';

/** A log that passes each line from level info on to a function. */
export function writingLogger(write: (fields: object, message: string) => void): Logger {
  const ignore = (): void => undefined;
  const log: Logger = {
    trace: ignore,
    debug: ignore,
    info: write,
    warn: write,
    error: write,
    fatal: write,
    child: () => log,
    isLevelEnabled: (level) => level !== 'debug' && level !== 'trace',
  };
  return log;
}
