import type { ScriptEnvironment } from './environment.js';

/**
 * Whether a host and port are local: a socket's, or an alias of the file; without a port any port counts for an alias
 * that has none.
 */
export function isOurs(env: ScriptEnvironment, host: string, port: number): boolean {
  if (env.sockets.isOursAt(host, port)) return true;
  const lower = host.toLowerCase();
  return env.aliases.some((alias) => alias.host === lower && (alias.port === undefined || alias.port === port));
}
