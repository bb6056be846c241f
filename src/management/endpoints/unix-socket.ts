import { type ErrorCode, messageOf, SwitchyardError } from '../../core/errors.js';

/**
 * Loads the package for UNIX datagram sockets, which Node does not have. It is native and optional: only these sockets
 * need it.
 * @throws SwitchyardError with `code` when it cannot be loaded
 */
export async function loadUnixSockets(code: ErrorCode, what: string): Promise<typeof import('node-unix-socket')> {
  try {
    return await import('node-unix-socket');
  } catch (error) {
    const why = `UNIX sockets need the package node-unix-socket, which cannot be loaded: ${messageOf(error)}`;
    throw new SwitchyardError(code, `${what}: ${why}`, { cause: error });
  }
}
