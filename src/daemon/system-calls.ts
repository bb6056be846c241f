import type { Logger } from '../core/logger.js';
import { type Libc, loadLibc } from '../sip/transport/native/libc.js';

/**
 * Returns a function that loads the system calls for datagrams; if they are not available, the reason is logged once.
 */
export function systemCalls(log: Logger): () => Promise<Libc | undefined> {
  let reported = false;
  return async () => {
    const result = await loadLibc();
    if ('libc' in result) return result.libc;
    if (!reported) log.info({ reason: result.missing }, 'datagrams are read and sent one by one');
    reported = true;
    return undefined;
  };
}
