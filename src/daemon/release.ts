import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/logger.js';

/** Does a part of the shutdown. What fails is logged and keeps nothing else from being released. Never rejects. */
export async function release(what: string, work: () => Promise<unknown>, log: Logger): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.error({ err: { message: messageOf(error) } }, `stopping ${what} failed`);
  }
}
