import { withoutRoot } from '../core/host-name.js';
import type { ScriptEnvironment } from './environment.js';

/**
 * Whether a host and port are local: those of a socket, of an alias in the file, or (`register_myself` of Kamailio) of
 * a domain in the table. An alias without a port matches any; with `port` undefined only the host is compared.
 */
export function isOurs(env: ScriptEnvironment, host: string, port: number | undefined): boolean {
  const lower = withoutRoot(host).toLowerCase();
  if (env.registeredMyself && env.tables.domains.has(lower)) return true;
  if (port === undefined) {
    if (env.sockets.all.some((each) => each.address === lower || env.sockets.isOursAt(lower, each.port))) return true;
    return env.aliases.some((alias) => alias.host === lower);
  }
  if (env.sockets.isOursAt(host, port)) return true;
  return env.aliases.some((alias) => alias.host === lower && (alias.port === undefined || alias.port === port));
}
