import type { Logger } from '../core/logger.js';
import { type Libc, loadLibc } from '../sip/transport/native/libc.js';

/** A way to the system calls for datagrams, which says once in the log why they cannot be had. */
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
