import type { Clock } from './clock.js';

/**
 * Waits for some work, but at most `limitMs` milliseconds. Returns its result, or undefined when it is late; the work
 * then continues and its result is ignored. Throws what the work throws in time.
 */
export async function within<T>(
  clock: Pick<Clock, 'schedule'>,
  limitMs: number,
  work: Promise<T>,
): Promise<T | undefined> {
  let cancel = () => {};
  const late = new Promise<undefined>((resolve) => {
    cancel = clock.schedule(limitMs, () => resolve(undefined));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel();
  }
}
