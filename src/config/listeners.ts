import { isWildcard, localAddresses } from '../core/local-addresses.js';
import type { DispatcherConfig } from './dispatcher-settings.js';
import { listOf, type RawSettings } from './raw.js';
import { type Findings, inside, type Location } from './reading.js';
import type { PartitionConfig, SocketDescription } from './settings.js';
import { parseHostPort, parseSocket, socketKey } from './socket.js';

/** Reads the SIP sockets; a socket that advertises no address of its own gets that of "advertise". */
export function readListeners(raw: RawSettings, root: Location, findings: Findings): SocketDescription[] {
  const text = raw.advertise;
  const common =
    text === undefined ? undefined : findings.attempt(inside(root, 'advertise'), () => parseHostPort(text, text));
  if (common?.port === 0) findings.refuse(inside(root, 'advertise'), 'port 0 cannot be advertised');
  const sockets: SocketDescription[] = [];
  const seen = new Set<string>();
  const names = new Set<string>();
  for (const [index, description] of listOf<string>(raw.listen)) {
    const location = inside(root, 'listen', ...(index === undefined ? [] : [index]));
    const socket = findings.attempt(location, () => parseSocket(description));
    if (socket === undefined) continue;
    const key = socketKey(socket);
    if (socket.transport === 'sctp') findings.refuse(location, 'sctp is not supported');
    else if (socket.port !== 0 && seen.has(key)) findings.refuse(location, `socket ${key} is listed twice`);
    else if (secure(socket) && raw.tls === undefined)
      findings.refuse(location, `a ${socket.transport} socket needs "tls" with a certificate`);
    seen.add(key);
    const name = socket.name?.toLowerCase();
    if (name !== undefined && names.has(name))
      findings.warn(
        location,
        `two sockets are named "${socket.name}": what is sent by that name leaves from the first`,
      );
    if (name !== undefined) names.add(name);
    const advertise =
      socket.advertise ??
      (common && { host: common.host, port: common.port ?? socket.port }) ??
      (isWildcard(socket.host) ? { host: reachable(socket, location, findings), port: socket.port } : undefined);
    sockets.push(advertise === undefined ? socket : { ...socket, advertise });
  }
  return sockets;
}

/** The address to advertise for a socket on all addresses, since peers cannot use the wildcard address. */
function reachable(socket: SocketDescription, location: Location, findings: Findings): string {
  const known = localAddresses(socket.host === '::' ? 6 : 4);
  const outside = known.filter((each) => !each.internal);
  const chosen = (outside[0] ?? known[0])?.address ?? (socket.host === '::' ? '::1' : '127.0.0.1');
  if (outside.length !== 1) {
    const why = outside.length === 0 ? 'the only one there is' : `the first of ${outside.length} addresses`;
    findings.warn(location, `peers see ${chosen} (${why}): add " as host" to advertise another address`);
  }
  return chosen;
}

/**
 * Warns of a configured sending socket that is not listened on, since that is probably a mistake; the transport layer
 * then chooses another.
 */
export function warnAboutSendingSockets(
  listen: readonly SocketDescription[],
  dispatcher: DispatcherConfig,
  partitions: readonly PartitionConfig[],
  root: Location,
  findings: Findings,
): void {
  const used = new Map<string, string>();
  const note = (text: string | undefined, owner: string) => {
    if (text !== undefined && !used.has(text)) used.set(text, owner);
  };
  note(dispatcher.probingSock, 'ds_probing_sock');
  note(dispatcher.kamailio.defaultSocket, 'ds_default_socket');
  for (const partition of partitions) note(partition.pingSock, `ping_sock of partition "${partition.name}"`);
  for (const [text, owner] of used) {
    let socket: SocketDescription;
    try {
      socket = parseSocket(text);
    } catch {
      continue;
    }
    if (!listen.some((each) => listensOn(each, socket))) {
      findings.warn(inside(root, 'listen'), `${owner} is ${socketKey(socket)}, but the daemon does not listen on it`);
    }
  }
  const name = dispatcher.kamailio.defaultSockname?.toLowerCase();
  if (name !== undefined && !listen.some((each) => each.name?.toLowerCase() === name)) {
    findings.warn(inside(root, 'listen'), `no socket has the name of ds_default_sockname, "${name}"`);
  }
}

/** Whether a listener is the described socket, or listens on all addresses and thus on it. */
export function listensOn(listener: SocketDescription, socket: SocketDescription): boolean {
  const same = listener.host.toLowerCase() === socket.host.toLowerCase();
  return (
    listener.transport === socket.transport && listener.port === socket.port && (isWildcard(listener.host) || same)
  );
}

function secure(socket: SocketDescription): boolean {
  return socket.transport === 'tls' || socket.transport === 'wss';
}
