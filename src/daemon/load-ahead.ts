import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { requestWriter } from '../sip/grammar.js';
import type { DaemonParts } from './assembly.js';

/**
 * Loads what a running daemon may need later of its own files: an upgrade replaces them, and names of chunks of the build change with it. Never
 * rejects.
 */
export async function loadAhead(
  { console, hooks }: Pick<DaemonParts, 'console' | 'hooks'>,
  log: Logger,
): Promise<void> {
  requestWriter();
  console?.loadAhead();
  // Settings that are read again may name a route script.
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
