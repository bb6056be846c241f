import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';

/** Maximum number of texts remembered. */
const MAX_TEXTS = 1000;

/** Logs warnings that calls cause: once a minute for each partition and text. */
export function onceAMinute(log: Logger, clock: Clock): (partition: string, message: string) => void {
  const last = new Map<string, number>();
  return (partition, message) => {
    const now = clock.monotonic();
    const key = `${partition} ${message}`;
    if (now - (last.get(key) ?? Number.NEGATIVE_INFINITY) < 60_000) return;
    if (last.size > MAX_TEXTS) last.clear();
    last.set(key, now);
    log.warn({ partition }, message);
  };
}
