import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Problem } from '../../config/problem.js';
import type { Settings } from '../../config/settings.js';
import { canonicalIp } from '../../core/ip-address.js';
import { isWildcard } from '../../core/local-addresses.js';

/** The sockets whose address no interface of this machine has: they cannot be bound. */
export function missingAddresses(settings: Settings): Problem[] {
  const { listen, http, mi } = settings;
  const sockets: (readonly [pointer: string, host: string])[] = [
    ...listen.map((each, i) => [`/listen/${i}`, each.host] as const),
    ...mi.datagram.map((each, i) => [`/mi/datagram/${i}/socket_name`, udpHost(each.socketName)] as const),
    ...(mi.ctl ?? []).map((each, i) => [`/mi/ctl/${i}/socket_name`, each.port === 0 ? '' : each.address] as const),
  ];
  if (http !== undefined) sockets.push(['/http', http.host]);
  const own = ownAddresses();
  return sockets
    .filter(([, host]) => isIP(host) !== 0 && !isWildcard(host) && !host.startsWith('127.'))
    .filter(([, host]) => !own.has(canonicalIp(host) ?? host))
    .map(([pointer, host]) => ({ file: settings.file, pointer, reason: `${host} is not an address of this machine` }));
}

function udpHost(name: string): string {
  return (/^udp:(.*):[0-9]+$/i.exec(name)?.[1] ?? '').replace(/^\[|\]$/g, '');
}

function ownAddresses(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return new Set(all.map(({ address }) => canonicalIp(address) ?? address));
}
