import { isIP } from 'node:net';
import type { SocketDescription } from '../../config/settings.js';
import { isWildcard } from '../../core/local-addresses.js';
import { maskUri } from '../../core/mask.js';
import { parseUri, uriTransport } from '../../core/uri.js';
import type { Destination } from '../../engine/destination.js';

/** Maximum number of destinations of one partition that are named individually. */
const NAMED = 20;

/** Finds destinations to which no socket can send, since none has their transport and address family. */
export function withoutSocket(
  destinations: Iterable<Destination>,
  listen: readonly SocketDescription[],
): readonly string[] {
  const found = new Map<string, string>();
  for (const { row } of destinations) {
    const uri = parseUri(row.uri);
    const transport = uri && uriTransport(uri);
    if (uri === undefined || transport === undefined) continue;
    const family = isIP(uri.host.replace(/^\[|\]$/g, ''));
    const sockets = listen.filter((each) => each.transport === transport);
    if (sockets.some((each) => family === 0 || familyOf(each.host) === 0 || familyOf(each.host) === family)) continue;
    const what = sockets.length === 0 ? transport : `${transport} over IPv${family}`;
    found.set(row.uri, `destination ${row.uri}: no socket to send by ${what}`);
    if (found.size === NAMED) break;
  }
  return [...found.values()];
}

/** Finds sockets that destinations name and nobody listens on; `listens`: whether a socket is listened on. */
export function unusedSockets(
  destinations: Iterable<Destination>,
  listens: (socket: string) => boolean,
): readonly string[] {
  const found = new Map<string, string>();
  for (const { row } of destinations) {
    if (row.socket === '' || found.has(row.socket) || listens(row.socket)) continue;
    const text = `destination ${maskUri(row.uri)} names socket ${row.socket}, but the daemon does not listen on it: another socket is used`;
    found.set(row.socket, text);
    if (found.size === NAMED) break;
  }
  return [...found.values()];
}

/** 4 or 6; 0 for a host name. */
function familyOf(host: string): number {
  return isWildcard(host) ? (host === '::' ? 6 : 4) : isIP(host);
}
