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
 * Finds destinations of flavour kamailio whose sockname= is the name of no socket, or whose socket= is an address of
 * another machine: they would be sent to from where their gateways do not expect it. An address of this machine that
 * nothing listens on is logged, and another socket is chosen.
 */
export function socketCheck(sockets: LocalSockets, listen: readonly SocketDescription[], log: Logger): NoSocket {
  const logged = new Set<string>();
  let addresses: ReadonlySet<string> | undefined;
  const isLocal = (host: string): boolean => {
    if (addresses === undefined) {
      addresses = ownAddresses();
      // Addresses come and go: what was found holds for the rows at hand.
      setImmediate(() => {
        addresses = undefined;
      });
    }
    return host.startsWith('127.') || addresses.has(canonicalIp(host) ?? host);
  };
  return (socket, sockname) => {
    if (sockname !== undefined) {
      return sockets.called(sockname) === undefined
        ? `sockname "${sockname}" is the name of no socket here`
        : undefined;
    }
    if (socket === undefined || sockets.named(socket) !== undefined) return undefined;
    let wanted: SocketDescription;
    try {
      wanted = parseSocket(socket);
    } catch (error) {
      return messageOf(error);
    }
    if (listen.some((each) => listensOn(each, wanted))) return undefined;
    if (!isLocal(wanted.host)) return `socket "${socket}" is not one of ours`;
    if (!logged.has(socket)) {
      logged.add(socket);
      log.warn({ socket }, 'a destination names a socket that is not listened on: another one is chosen');
    }
    return undefined;
  };
}

/** Whether a socket that a destination names is listened on; one that cannot be read is not. */
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
