import { pino } from 'pino';
import { type FocusableLogger, focusable } from '../core/log-focus.js';
import type { Logger } from '../core/logger.js';
import { maskSecrets } from '../core/mask.js';
import { type LogForm, logForm, prettyPrinter, withPriority } from './log-stream.js';

/**
 * A logger of the product on standard error, so that standard output carries data only: readable lines on a terminal (where
 * pino-pretty is installed), lines with their priority for journald, JSON lines elsewhere.
 */
export function createLogger(level: string): FocusableLogger {
  const base = { pid: process.pid };
  // What is no Error is written as it is: pino would add an empty stack to it.
  const err = (error: unknown) => (error instanceof Error ? pino.stdSerializers.err(error) : error);
  const stderr = pino.destination({ dest: 2, sync: true });
  // The one way out of every line: whatever a URI, a row or a driver's message holds, its password is not written.
  const write = shaped(logForm(process.env, process.stderr.isTTY === true));
  const destination = { write: (line: string) => void stderr.write(write(maskSecrets(line))) };
  // Levels are decided before pino: its children would keep the level they were made with.
  const every = pino({ level: 'trace', base, serializers: { err } }, destination) as unknown as Logger;
  return focusable(every, level, () => performance.now());
}

function shaped(form: LogForm): (line: string) => string {
  if (form === 'journal') return withPriority;
  if (form === 'json') return (line) => line;
  const printer = prettyPrinter((process.env['NO_COLOR'] ?? '') === '');
  return typeof printer === 'function' ? printer : (line) => line;
}
