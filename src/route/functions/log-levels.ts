/** Levels of lines that scripts write. */
export type ScriptLevel = 'ALERT' | 'BUG' | 'CRITICAL' | 'ERROR' | 'WARNING' | 'NOTICE' | 'INFO' | 'DEBUG';

/**
 * A log level as scripts name it: the level that is written, and its number in the originals, which is higher for more
 * detail.
 */
export interface NamedLevel {
  readonly level: ScriptLevel;
  readonly rank: number;
}

const LEVELS: Readonly<Record<string, NamedLevel>> = {
  ALERT: { level: 'ALERT', rank: -3 },
  BUG: { level: 'BUG', rank: -4 },
  CRIT2: { level: 'CRITICAL', rank: -3 },
  CRIT: { level: 'CRITICAL', rank: -2 },
  CRITICAL: { level: 'CRITICAL', rank: -2 },
  ERR: { level: 'ERROR', rank: -1 },
  ERROR: { level: 'ERROR', rank: -1 },
  WARN: { level: 'WARNING', rank: 1 },
  WARNING: { level: 'WARNING', rank: 1 },
  NOTICE: { level: 'NOTICE', rank: 2 },
  INFO: { level: 'INFO', rank: 3 },
  DBG: { level: 'DEBUG', rank: 4 },
  DEBUG: { level: 'DEBUG', rank: 4 },
};

/** The level that xlog understands by "L_WARN", "WARN" or "warn"; undefined for an unknown name. */
export function logLevel(text: string): NamedLevel | undefined {
  return LEVELS[text.replace(/^L_/, '').toUpperCase()];
}

/** Names of the levels, without "L_". */
export const LEVEL_NAMES: readonly string[] = Object.keys(LEVELS);

/** Level of this program's log for each script level. */
export const WRITTEN_LEVELS: Readonly<Record<ScriptLevel, 'error' | 'warn' | 'info' | 'debug'>> = {
  ALERT: 'error',
  BUG: 'error',
  CRITICAL: 'error',
  ERROR: 'error',
  WARNING: 'warn',
  NOTICE: 'info',
  INFO: 'info',
  DEBUG: 'debug',
};
