import { trimmed } from '../core/characters.js';
import { ipFamily } from '../core/ip-address.js';

/** Address and port in "1.2.3.4", "1.2.3.4:5060", "udp:1.2.3.4:5060" or "[::1]:5060"; undefined for other texts. */
export function hostPort(text: string): { readonly host: string; readonly port: number | undefined } | undefined {
  const match = /^(?:(?:udp|tcp|tls|ws|wss|sctp):)?(\[[0-9a-f:.]+\]|[0-9.]+)(?::(\d{1,5}))?$/i.exec(trimmed(text));
  const host = match?.[1]?.replace(/^\[(.*)\]$/, '$1') ?? '';
  if (ipFamily(host) === 0) return undefined;
  return { host, port: match?.[2] === undefined ? undefined : Number(match[2]) };
}
