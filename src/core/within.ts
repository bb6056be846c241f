import type { Clock } from './clock.js';

/**
 * Waits for some work, but no longer than `limitMs` milliseconds. What it came to, or undefined where it was late; it then
 * goes on, and how it ends is nobody's affair. Throws what the work throws in time.
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
