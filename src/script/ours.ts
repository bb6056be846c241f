import { withoutRoot } from '../core/host-name.js';
import type { TransportName } from '../core/uri.js';
import type { ScriptEnvironment } from './environment.js';

/**
 * Whether a host and port are local: those of a socket, of an alias in the file, or (`register_myself` of Kamailio) of
 * a domain in the table. An alias without a port matches any; with `port` undefined only the host is compared.
 */
export function isOurs(env: ScriptEnvironment, host: string, port: number | undefined): boolean {
  return isServed(env, host, port) || isAlias(env, host, port, undefined);
}

/** Like `isOurs`, without the aliases. */
export function isServed(env: ScriptEnvironment, host: string, port: number | undefined): boolean {
  const lower = withoutRoot(host).toLowerCase();
  if (env.registeredMyself && env.tables.domains.has(lower)) return true;
  if (port !== undefined) return env.sockets.isOursAt(host, port);
  return env.sockets.all.some((each) => each.address === lower || env.sockets.isOursAt(lower, each.port));
}

/** Whether a host is an alias; one that names a transport is none for another `transport`. */
export function isAlias(
  env: ScriptEnvironment,
  host: string,
  port: number | undefined,
  transport: TransportName | undefined,
): boolean {
  const lower = withoutRoot(host).toLowerCase();
  return env.aliases.some(
    (alias) =>
      alias.host === lower &&
      (alias.port === undefined || port === undefined || alias.port === port) &&
      (alias.transport === undefined || transport === undefined || alias.transport === transport),
  );
}
