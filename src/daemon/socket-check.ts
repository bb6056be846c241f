import { networkInterfaces } from 'node:os';
import { listensOn } from '../config/listeners.js';
import type { SocketDescription } from '../config/settings.js';
import { parseSocket } from '../config/socket.js';
import { messageOf } from '../core/errors.js';
import { canonicalIp } from '../core/ip-address.js';
import type { Logger } from '../core/logger.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import type { NoSocket } from '../store/rows.js';

/**
 * Finds destinations of flavour kamailio whose sockname= is unknown, or whose socket= is an address of another machine:
 * requests to them would not come from where their gateways expect. An address of this machine that nobody listens on
 * is logged, and another socket is used.
 */
export function socketCheck(sockets: LocalSockets, listen: readonly SocketDescription[], log: Logger): NoSocket {
  const logged = new Set<string>();
  let addresses: ReadonlySet<string> | undefined;
  const isLocal = (host: string): boolean => {
    if (addresses === undefined) {
      addresses = ownAddresses();
      // Addresses of the machine may change, so the result is used only for the rows being loaded.
      setImmediate(() => {
        addresses = undefined;
      });
    }
    return host.startsWith('127.') || addresses.has(canonicalIp(host) ?? host);
  };
  return (socket, sockname) => {
    if (sockname !== undefined) {
      return sockets.called(sockname) === undefined ? `there is no socket named "${sockname}"` : undefined;
    }
    if (socket === undefined || sockets.named(socket) !== undefined) return undefined;
    let wanted: SocketDescription;
    try {
      wanted = parseSocket(socket);
    } catch (error) {
      return messageOf(error);
    }
    if (listen.some((each) => listensOn(each, wanted))) return undefined;
    if (!isLocal(wanted.host)) return `socket "${socket}" is not one of our sockets`;
    if (!logged.has(socket)) {
      logged.add(socket);
      log.warn({ socket }, 'a destination names a socket on which the daemon does not listen: another one is used');
    }
    return undefined;
  };
}

/** Whether this process listens on a socket that a destination names; false for an invalid description. */
export function socketListens(
  sockets: LocalSockets,
  listen: readonly SocketDescription[],
): (socket: string) => boolean {
  return (socket) => {
    if (sockets.named(socket) !== undefined) return true;
    try {
      const wanted = parseSocket(socket);
      return listen.some((each) => listensOn(each, wanted));
    } catch {
      return false;
    }
  };
}

function ownAddresses(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return new Set(all.map(({ address }) => canonicalIp(address) ?? address));
}
