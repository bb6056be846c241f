import { pino } from 'pino';
import type { Logger } from '../core/logger.js';

/** A logger of the product: JSON lines on standard error, so that standard output carries data only. */
export function createLogger(level: string): Logger & { level: string } {
  const base = { pid: process.pid };
  // What is no Error is written as it is: pino would add an empty stack to it.
  const err = (error: unknown) => (error instanceof Error ? pino.stdSerializers.err(error) : error);
  const destination = pino.destination({ dest: 2, sync: true });
  return pino({ level, base, serializers: { err } }, destination) as unknown as Logger & { level: string };
}
