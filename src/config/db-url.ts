import { isIPv4, isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { SwitchyardError } from '../core/errors.js';
import { bracketed } from '../core/uri.js';

interface UrlForms {
  /**
   * The key of the connection pool: URLs with the same key may share one. It contains the password, so it must not be
   * logged.
   */
  readonly canonical: string;
  /** The URL without password, for logs and messages. */
  readonly display: string;
}

/** A database server. */
export interface ServerUrl extends UrlForms {
  readonly kind: 'mysql' | 'postgres';
  /** Host or IP literal without brackets. */
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string;
}

/** A database file, a db_text folder or a Kamailio list file; `path` is absolute. */
export interface FileUrl extends UrlForms {
  readonly kind: 'sqlite' | 'text' | 'list';
  readonly path: string;
}

/** The parsed db_url parameter: where a partition's destinations are stored. */
export type DatabaseUrl = ServerUrl | FileUrl;

const SERVER_KINDS: Readonly<Record<string, { kind: ServerUrl['kind']; port: number }>> = {
  mysql: { kind: 'mysql', port: 3306 },
  postgres: { kind: 'postgres', port: 5432 },
  postgresql: { kind: 'postgres', port: 5432 },
};
const FILE_KINDS: Readonly<Record<string, FileUrl['kind']>> = { sqlite: 'sqlite', text: 'text', list: 'list' };

const MAX_LENGTH = 2048;
const HOST_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?$/;

/**
 * Parses a db_url: "mysql://user:pass@host[:port]/db", "postgres://..." (or "postgresql://..."),
 * "sqlite:///abs/file.db", "sqlite:./relative.db", "text:///dir", "list:./dispatcher.list". Relative paths start from
 * `baseDir`, the folder of the file that contains the URL. In user and password "%XX" is a byte, for "@" and "/".
 * Throws SwitchyardError CONFIG_INVALID; its message never contains the password.
 */
export function parseDatabaseUrl(text: string, baseDir: string): DatabaseUrl {
  if (text.length > MAX_LENGTH) throw invalid(`database URL is longer than ${MAX_LENGTH} characters`);
  if (/[\u0000-\u001f\u007f]|\p{Surrogate}/u.test(text)) throw invalid('database URL holds a control character');
  const trimmed = text.trim();
  const colon = trimmed.indexOf(':');
  const scheme = colon < 0 ? '' : trimmed.slice(0, colon).toLowerCase();
  const rest = trimmed.slice(colon + 1);
  const server = Object.hasOwn(SERVER_KINDS, scheme) ? SERVER_KINDS[scheme] : undefined;
  if (server) return parseServer(server.kind, server.port, rest, trimmed);
  const file = Object.hasOwn(FILE_KINDS, scheme) ? FILE_KINDS[scheme] : undefined;
  if (file) return parseFile(file, rest, trimmed, baseDir);
  const named = /^[a-z][a-z0-9+.-]*$/.test(scheme)
    ? `database kind "${scheme}" is not known`
    : 'database URL has no kind';
  throw invalid(`${named}: expected mysql://, postgres://, sqlite:, text: or list:`);
}

/**
 * A URL for logs: the password becomes "***", or the whole user part if that may be a token. So do the values of
 * options after "?", since other clients take a password there.
 */
export function redactUrl(url: string): string {
  // Options are cut off first: an "@" in their values is not the end of a user part.
  const options = /\?[\w.-]+=/.exec(url)?.index ?? url.length;
  return redactUser(url.slice(0, options)) + url.slice(options).replace(/([?&][^=?&]*=)[^&]+/g, '$1***');
}

function redactUser(url: string): string {
  const match = /^(\s*([A-Za-z][\w+.-]*):\/{0,2})([^:@]*)(:.*)?@(.*)$/s.exec(url);
  // When "@host" was forgotten, the password is where a port is expected.
  if (!match) return url.replace(/^(\s*[A-Za-z][\w+.-]*:\/\/)[^:/[\]]*:(?![0-9]{1,5}(?:\/|$)).*$/s, '$1***');
  const scheme = match[2]!.toLowerCase();
  if (Object.hasOwn(FILE_KINDS, scheme)) return url;
  const keepUser = match[4] !== undefined || Object.hasOwn(SERVER_KINDS, scheme);
  // Without a scheme, "user:pass@host" looks like scheme "user" and user "pass": then nothing before the "@" may be
  // shown.
  if (!match[1]!.includes('//')) return `***@${match[5]}`;
  return `${match[1]}${keepUser ? match[3] : '***'}${match[4] === undefined ? '' : ':***'}@${match[5]}`;
}

function parseServer(kind: ServerUrl['kind'], defaultPort: number, rest: string, text: string): ServerUrl {
  const shown = redactUrl(text);
  if (!rest.startsWith('//')) throw invalid(`database URL "${shown}" needs "//" after "${kind}:"`);
  const body = rest.slice(2);
  // A password may contain an unescaped "@" or "/", so the last "@" ends it.
  const at = body.lastIndexOf('@');
  const userinfo = at < 0 ? undefined : body.slice(0, at);
  const target = body.slice(at + 1);
  const slash = target.indexOf('/');
  const authority = slash < 0 ? target : target.slice(0, slash);
  const database = slash < 0 ? '' : target.slice(slash + 1);
  if (database === '')
    throw invalid(`database URL "${shown}" names no database: expected ${kind}://user@host/database`);
  if (/[?#]/.test(database)) throw invalid(`database URL "${shown}": options after "?" are not supported`);
  if (/[/\s]/.test(database)) throw invalid(`database URL "${shown}": bad database name "${database}"`);
  const { host, portText } = splitAuthority(authority);
  if (!isHost(host)) throw invalid(`database URL "${shown}": bad host "${host}"`);
  const port = portText === undefined ? defaultPort : Number(portText);
  if (portText !== undefined && (!/^[0-9]{1,5}$/.test(portText) || port < 1 || port > 65535)) {
    throw invalid(`database URL "${shown}": bad port, or no "@" before the host`);
  }
  const secret = userinfo?.indexOf(':') ?? -1;
  const user = userinfo === undefined ? undefined : percentDecode(secret < 0 ? userinfo : userinfo.slice(0, secret));
  const password = userinfo === undefined || secret < 0 ? undefined : percentDecode(userinfo.slice(secret + 1));
  const where = `${bracketed(host)}:${port}/${database}`;
  const who = user === undefined ? '' : encodeURIComponent(user);
  const canonicalUser = password === undefined ? who : `${who}:${encodeURIComponent(password)}`;
  return {
    kind,
    host,
    port,
    user,
    password,
    database,
    canonical: `${kind}://${user === undefined ? '' : `${canonicalUser}@`}${where}`,
    display: `${kind}://${user === undefined ? '' : `${who}${password === undefined ? '' : ':***'}@`}${where}`,
  };
}

function parseFile(kind: FileUrl['kind'], rest: string, text: string, baseDir: string): FileUrl {
  let path = rest;
  if (rest.startsWith('//')) {
    path = rest.slice(2);
    if (!/^\.{0,2}\//.test(path)) {
      throw invalid(
        `database URL "${text}": expected a path after "${kind}:", as in ${kind}:///absolute or ${kind}:./relative`,
      );
    }
  }
  if (path === '') throw invalid(`database URL "${text}" names no ${kind === 'text' ? 'folder' : 'file'}`);
  const absolute = resolve(baseDir, path);
  const canonical = `${kind}://${absolute}`;
  return { kind, path: absolute, canonical, display: canonical };
}

function splitAuthority(authority: string): { host: string; portText: string | undefined } {
  if (authority.startsWith('[')) {
    const close = authority.indexOf(']');
    const after = authority.slice(close + 1);
    if (close < 0 || (after !== '' && !after.startsWith(':'))) return { host: authority, portText: undefined };
    return { host: authority.slice(1, close), portText: after === '' ? undefined : after.slice(1) };
  }
  const colon = authority.indexOf(':');
  if (colon < 0) return { host: authority, portText: undefined };
  return { host: authority.slice(0, colon), portText: authority.slice(colon + 1) };
}

function isHost(host: string): boolean {
  if (host.includes(':')) return isIPv6(host);
  return /^[0-9.]+$/.test(host) ? isIPv4(host) : HOST_NAME.test(host);
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A "%" in a password that was never escaped: the text is used as written.
    return text;
  }
}

function invalid(message: string): SwitchyardError {
  return new SwitchyardError('CONFIG_INVALID', message);
}
