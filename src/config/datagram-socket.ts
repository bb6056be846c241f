import { isAbsolute, resolve } from 'node:path';
import type { DatagramConfig } from './endpoint-settings.js';
import { type Findings, inside, type Location } from './reading.js';
import { parseHostPort, parseSocket } from './socket.js';

/** Longest path of a UNIX socket on Linux, without the final zero byte. */
const MAX_UNIX_PATH = 107;

/**
 * Reads a datagram socket: "udp:host:port" or the path of a UNIX socket. `key`: the member of `location` with its name.
 */
export function readDatagram(
  raw: { readonly socket_name: string; readonly unix_socket_mode: string },
  location: Location,
  findings: Findings,
  key = 'socket_name',
): DatagramConfig | undefined {
  const at = inside(location, key);
  const unixMode = Number.parseInt(raw.unix_socket_mode, 8);
  const name = raw.socket_name.trim();
  if (/^udp:/i.test(name)) {
    const socket = findings.attempt(at, () => parseSocket(name));
    if (socket?.advertise !== undefined) findings.refuse(at, 'a management socket has no advertised address');
    // A port must be given, since the default 5060 is that of a SIP socket.
    else if (socket !== undefined && parseHostPort(name.slice(4)).port === undefined) {
      findings.refuse(at, 'the port is missing: expected udp:host:port');
    }
    return socket && { socketName: socket.text, unixMode };
  }
  const path = name.replace(/^unix:/i, '');
  if (!path.includes('/')) {
    findings.refuse(at, `expected udp:host:port or the path of a UNIX socket, not "${name}"`);
    return undefined;
  }
  return { socketName: unixPath(path, at, findings), unixMode };
}

/** The absolute path of a UNIX socket; reports a path that is too long. */
export function unixPath(path: string, location: Location, findings: Findings): string {
  const absolute = isAbsolute(path) ? path : resolve(location.dir, path);
  if (Buffer.byteLength(absolute) > MAX_UNIX_PATH) {
    findings.refuse(
      location,
      `the path of a UNIX socket is at most ${MAX_UNIX_PATH} bytes long, "${absolute}" is longer`,
    );
  }
  return absolute;
}
