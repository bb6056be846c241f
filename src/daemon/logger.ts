import { pino } from 'pino';
import { type FocusableLogger, focusable } from '../core/log-focus.js';
import type { Logger } from '../core/logger.js';
import { maskSecrets } from '../core/mask.js';
import { type LogForm, logForm, prettyPrinter, withPriority } from './log-stream.js';

/**
 * Creates the logger, which writes to standard error, so that standard output has only data: readable lines on a
 * terminal (if pino-pretty is installed), lines with priority for journald, JSON lines elsewhere.
 */
export function createLogger(level: string): FocusableLogger {
  const base = { pid: process.pid };
  // A value that is not an Error is logged as it is; pino would add an empty stack.
  const err = (error: unknown) => (error instanceof Error ? pino.stdSerializers.err(error) : error);
  const stderr = pino.destination({ dest: 2, sync: true });
  // All lines pass here: passwords in URIs, rows or driver messages are masked.
  const write = shaped(logForm(process.env, process.stderr.isTTY === true));
  const destination = { write: (line: string) => void stderr.write(write(maskSecrets(line))) };
  // Levels are checked before pino, since its child loggers would keep their initial level.
  const every = pino({ level: 'trace', base, serializers: { err } }, destination) as unknown as Logger;
  return focusable(every, level, () => performance.now());
}

function shaped(form: LogForm): (line: string) => string {
  if (form === 'journal') return withPriority;
  if (form === 'json') return (line) => line;
  const printer = prettyPrinter((process.env['NO_COLOR'] ?? '') === '');
  return typeof printer === 'function' ? printer : (line) => line;
}
