import type { ScriptEnvironment } from './environment.js';

/**
 * Whether a host and port are local: a socket's, an alias of the file, or a domain of the table, with `register_myself` of Kamailio. An
 * alias without a port has any; `port` undefined asks for the host alone.
 */
export function isOurs(env: ScriptEnvironment, host: string, port: number | undefined): boolean {
  const lower = host.toLowerCase();
  if (env.registeredMyself && env.tables.domains.has(lower)) return true;
  if (port === undefined) {
    if (env.sockets.all.some((each) => each.address === lower || env.sockets.isOursAt(lower, each.port))) return true;
    return env.aliases.some((alias) => alias.host === lower);
  }
  if (env.sockets.isOursAt(host, port)) return true;
  return env.aliases.some((alias) => alias.host === lower && (alias.port === undefined || alias.port === port));
}
