import { fstatSync } from 'node:fs';
import { createRequire } from 'node:module';
import { messageOf } from '../core/errors.js';

/** The form in which log lines are written. */
export type LogForm = 'json' | 'journal' | 'people';

/** The syslog priorities of pino's levels (sd-daemon(3)). */
const PRIORITY: ReadonlyMap<string, number> = new Map([
  ['10', 7],
  ['20', 7],
  ['30', 6],
  ['40', 4],
  ['50', 3],
  ['60', 2],
]);

/** A line for journald, with its priority in front (sd-daemon(3)). Lines begin with their level. */
export function withPriority(line: string): string {
  const level = /^\{"level":([0-9]{2})/.exec(line)?.[1];
  return `<${PRIORITY.get(level ?? '') ?? 6}>${line}`;
}

/**
 * The form for standard error: readable on a terminal; with priorities if it is the journal's stream (systemd.exec(5),
 * JOURNAL_STREAM); else JSON lines.
 */
export function logForm(env: Readonly<Record<string, string | undefined>>, isTerminal: boolean): LogForm {
  const journal = env['JOURNAL_STREAM'];
  if (journal !== undefined) {
    try {
      const { dev, ino } = fstatSync(2);
      if (journal === `${dev}:${ino}`) return 'journal';
    } catch {
      // Standard error is closed.
    }
  }
  return isTerminal ? 'people' : 'json';
}

/** Pino's own printer for readable lines, or the reason why it is not available. */
export function prettyPrinter(color: boolean): ((line: string) => string) | { readonly reason: string } {
  try {
    const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as {
      prettyFactory(options: object): (line: string) => string;
    };
    return prettyFactory({
      colorize: color,
      translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l',
      ignore: 'pid',
      singleLine: true,
    });
  } catch (error) {
    return { reason: messageOf(error) };
  }
}
