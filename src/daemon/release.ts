import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/logger.js';

/** Does one step of the shutdown. A failure is logged, so that the other steps are still done. Never rejects. */
export async function release(what: string, work: () => Promise<unknown>, log: Logger): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.error({ err: { message: messageOf(error) } }, `stopping ${what} failed`);
  }
}
