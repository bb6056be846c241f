import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { trimmed } from '../../core/characters.js';
import { PeerShare } from '../../core/peer-share.js';
import type { ModuleParameters } from '../../script/environment.js';
import type { HttpTls } from '../../script/services.js';

/** Maximum length of a file of connections, and of a certificate. */
const MAX_FILE_BYTES = 1024 * 1024;
/** Maximum milliseconds of a request; also used for 0, which means "no limit" in the original. */
const LONGEST_MS = 60_000;
/**
 * Maximum length of an answer, which becomes the value of a variable; also used for 0, which means "no limit" in the
 * original.
 */
const MAX_BYTES = 1024 * 1024;

/** Settings of requests: the module's parameters, some of which a connection may override. */
export interface HttpSettings {
  /** '': the User-Agent of SIP requests. */
  readonly userAgent: string;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly follows: boolean;
  readonly verify: boolean;
  readonly tls: HttpTls;
}

/** A connection: the server to which http_connect() sends the requests that name it. */
export interface NamedConnection extends HttpSettings {
  readonly name: string;
  readonly scheme: string;
  /** The part after "scheme://user:password@". */
  readonly authority: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Name of the connection to use when a request over this one fails. */
  readonly failover: string | undefined;
  /** The URL of the last answer, after redirections. */
  lastUrl: string;
}

/** The parameters of a connection, by name. */
type Given = ReadonlyMap<string, string>;

/** Connections by name, and the settings of requests without one. */
class HttpConnections {
  readonly settings: HttpSettings;
  /** Maximum bytes of an answer to http_client_query(), and whether only its first line is used. */
  readonly queryBytes: number;
  readonly firstLine: boolean;
  /** Number of requests that got an answer below 500, and of all others. */
  readonly counts = { ok: 0, failed: 0 };
  /** Requests under way. */
  readonly running = new PeerShare();
  private readonly listed = new Map<string, NamedConnection>();
  private unread: string;

  constructor(parameters: ModuleParameters) {
    const has = (name: string): boolean => parameters.text(name, '') !== '';
    if (has('httpproxy') && parameters.int('httpproxyport', 0) !== 0)
      throw new Error('requests by way of a proxy (httpproxy, httpproxyport) are not supported');
    this.settings = {
      userAgent: parameters.text('useragent', ''),
      timeoutMs: milliseconds(parameters.int('connection_timeout', 4)),
      maxBytes: bytesOf(parameters.int('maxdatasize', 0)),
      follows: parameters.flag('httpredirect', false),
      verify: parameters.flag('verify_peer', true),
      tls: {
        ca: pemOf(parameters.text('cacert', '')),
        cert: pemOf(parameters.text('client_cert', '')),
        key: pemOf(parameters.text('client_key', '')),
        checksHost: parameters.int('verify_host', 2) !== 0,
      },
    };
    this.queryBytes = bytesOf(parameters.int('query_maxdatasize', 0));
    this.firstLine = parameters.flag('query_result', true);
    for (const each of parameters.all('httpcon')) this.define(String(each));
    this.unread = parameters.text('config_file', '');
    if (isAbsolute(this.unread)) this.all('/');
  }

  /** Number of connections that have been read. */
  get size(): number {
    return this.listed.size;
  }

  /**
   * All connections. The file is read at the first call; a relative file name is resolved against `folder`. Throws an
   * Error for an invalid connection.
   */
  all(folder: string): ReadonlyMap<string, NamedConnection> {
    if (this.unread !== '') {
      const path = resolve(folder, this.unread);
      this.unread = '';
      this.readFile(path);
    }
    return this.listed;
  }

  /** Parses a connection given as a parameter: "name=>scheme://user:password@host/path;parameter=value;...". */
  private define(text: string): void {
    const arrow = text.indexOf('=>');
    const [url = '', ...parameters] = text.slice(arrow + 2).split(';');
    if (arrow < 0 || !/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/./.test(trimmed(url)))
      // What stands after the name may have a password.
      throw new Error(`httpcon "${text.slice(0, Math.max(0, Math.min(arrow, 100)))}" must be name=>http://...`);
    this.add(trimmed(text.slice(0, arrow)), trimmed(url), new Map(parameters.map(pairOf)));
  }

  /** Reads a file with sections "[name]" of lines "url = http://...", "timeout = 2" and the like. */
  private readFile(path: string): void {
    const sections = new Map<string, Map<string, string>>();
    let current: Map<string, string> | undefined;
    for (const [number, line] of textOf(path).split(/\r?\n/).entries()) {
      const text = trimmed(line);
      if (text === '' || text.startsWith('#') || text.startsWith(';')) continue;
      const name = /^\[([^\]]*)\]$/.exec(text)?.[1];
      if (name !== undefined) {
        current = new Map();
        sections.set(name, current);
        continue;
      }
      if (current === undefined || !text.includes('=')) throw new Error(`${path}: cannot read line ${number + 1}`);
      const [key, value] = pairOf(text);
      current.set(key, value.replace(/^"(.*)"$/, '$1'));
    }
    for (const [name, given] of sections) this.add(name, given.get('url') ?? '', given);
  }

  private add(name: string, url: string, given: Given): void {
    const match = /^([a-zA-Z][\w+.-]*):\/\/(?:([^:@/]*)(?::([^@/]*))?@)?(.+)$/s.exec(url);
    if (match === null) throw new Error(`the URL of connection "${name}" must be http://...`);
    const [, scheme = '', user, password, authority = ''] = match;
    const { settings } = this;
    const int = (key: string, other: number): number => {
      const number = Number.parseInt(given.get(key) ?? '', 10);
      return Number.isNaN(number) ? other : number;
    };
    const has = (key: string): boolean => given.has(key);
    this.listed.set(name, {
      name,
      scheme,
      authority,
      user: given.get('username') ?? user,
      password: given.get('password') ?? password,
      failover: given.get('failover'),
      userAgent: given.get('useragent') ?? settings.userAgent,
      timeoutMs: has('timeout') ? milliseconds(int('timeout', 4)) : settings.timeoutMs,
      maxBytes: has('maxdatasize') ? bytesOf(int('maxdatasize', 0)) : settings.maxBytes,
      follows: int('httpredirect', settings.follows ? 1 : 0) !== 0,
      verify: int('verify_peer', settings.verify ? 1 : 0) !== 0,
      tls: {
        ...settings.tls,
        cert: has('client_cert') ? pemOf(given.get('client_cert') ?? '') : settings.tls.cert,
        key: has('client_key') ? pemOf(given.get('client_key') ?? '') : settings.tls.key,
        checksHost: int('verify_host', settings.tls.checksHost ? 2 : 0) !== 0,
      },
      lastUrl: '',
    });
  }
}

function pairOf(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [trimmed(text), ''] : [trimmed(text.slice(0, at)), trimmed(text.slice(at + 1))];
}

function milliseconds(seconds: number): number {
  return seconds <= 0 ? LONGEST_MS : Math.min(LONGEST_MS, seconds * 1000);
}

function bytesOf(bytes: number): number {
  return bytes <= 0 ? MAX_BYTES : Math.min(MAX_BYTES, bytes);
}

/** The text of a PEM file; undefined for an empty name. Throws an Error when it cannot be read. */
function pemOf(path: string): string | undefined {
  return path === '' ? undefined : textOf(path);
}

/** The text of a file. Throws an Error when it is too long or cannot be read. */
function textOf(path: string): string {
  if (statSync(path).size > MAX_FILE_BYTES) throw new Error(`${path} is longer than ${MAX_FILE_BYTES} bytes`);
  return readFileSync(path, 'latin1');
}

/** The connections of http_client. Counters and last URLs are reset when the file is reloaded. */
export const httpConnections = {
  module: 'http_client',
  create: (parameters: ModuleParameters) => new HttpConnections(parameters),
};
