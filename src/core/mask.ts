import { parseUri } from './uri.js';

/** "sip:user:password@" and "kind://user:password@". Each part is bounded, so that the search is linear. */
const LOGIN = /(sips?:|[a-z][a-z0-9+.-]{0,15}:\/\/)([^\s"<>@:/]{0,256}):([^\s"<>]{0,256})@/gi;

/** A SIP URI fit for logs and lists: its password, if it has one, becomes "***". */
export function maskUri(uri: string): string {
  // Most URIs have no user part at all.
  if (!uri.includes('@')) return uri;
  const parsed = parseUri(uri);
  if (parsed === undefined) return maskSecrets(uri);
  if (parsed.password === '') return uri;
  const start = parsed.scheme.length + 1 + parsed.user.length + 1;
  return `${uri.slice(0, start)}***${uri.slice(start + parsed.password.length)}`;
}

/** Any text fit for logs: the passwords of the URIs in it become "***". */
export function maskSecrets(text: string): string {
  return text.includes('@') ? text.replace(LOGIN, '$1$2:***@') : text;
}
