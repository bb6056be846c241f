import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { requestWriter } from '../sip/grammar.js';
import type { DaemonParts } from './assembly.js';

/**
 * Loads the program files that a running daemon may need later, since an upgrade replaces them and changes the names of
 * chunks. Never rejects.
 */
export async function loadAhead(
  { console, hooks }: Pick<DaemonParts, 'console' | 'hooks'>,
  log: Logger,
): Promise<void> {
  requestWriter();
  console?.loadAhead();
  // Settings read later may name a route script.
  await import('../route/script/check-calls.js');
  try {
    await hooks?.parts?.keepProgram();
  } catch (error) {
    log.warn(
      { reason: messageOf(error) },
      'the program of the workers cannot be copied: after an upgrade of its files this daemon has to be restarted at once',
    );
  }
}
