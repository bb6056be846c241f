import type { Logger } from '../../src/core/logger.js';

export interface LogLine {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A logger that keeps every line of all levels; lines of its children contain their bindings. */
export function recordingLog(): { readonly log: Logger; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  return { log: keepingIn(lines, {}), lines };
}

function keepingIn(lines: LogLine[], bindings: Readonly<Record<string, unknown>>): Logger {
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields: { ...bindings, ...fields }, message });
  };
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: (more) => keepingIn(lines, { ...bindings, ...more }),
    isLevelEnabled: () => true,
  };
}
