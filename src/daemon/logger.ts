import { pino } from 'pino';
import type { Logger } from '../core/logger.js';
import { maskSecrets } from '../core/mask.js';

/** A logger of the product: JSON lines on standard error, so that standard output carries data only. */
export function createLogger(level: string): Logger & { level: string } {
  const base = { pid: process.pid };
  // What is no Error is written as it is: pino would add an empty stack to it.
  const err = (error: unknown) => (error instanceof Error ? pino.stdSerializers.err(error) : error);
  const stderr = pino.destination({ dest: 2, sync: true });
  // The one way out of every line: whatever a URI, a row or a driver's message holds, its password is not written.
  const destination = { write: (line: string) => void stderr.write(maskSecrets(line)) };
  return pino({ level, base, serializers: { err } }, destination) as unknown as Logger & { level: string };
}
