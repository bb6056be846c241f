import { byteTexts, withByteTexts, withoutEscapes } from './byte-texts.js';
import { digitsIn, isAt } from './characters.js';

/**
 * The parts of a SIP URI (RFC 3261 section 19.1). Nothing is decoded and letter case is kept. Strings are latin1: one
 * code unit for each byte on the wire.
 */
export interface SipUri {
  /** "sip", "sips" or "tel", lower case. */
  readonly scheme: 'sip' | 'sips' | 'tel';
  /** User part without password, as written; '' when there is none. For tel: the number. */
  readonly user: string;
  readonly password: string;
  /** Host as written, an IPv6 reference with its brackets; '' for tel. */
  readonly host: string;
  /** Port as a number, undefined when not written. */
  readonly port: number | undefined;
  /** Port digits as written (may have leading zeros), '' when not written. */
  readonly portText: string;
  /** URI parameters with their leading ";", as written; '' when there are none. */
  readonly params: string;
  /** URI headers with their leading "?", as written; '' when there are none. */
  readonly headers: string;
}

const COLON = 58;
const AT = 64;
const SEMICOLON = 59;
const QUESTION = 63;

/** Where a character may be in a host: 1 anywhere, 2 not at either end ("-"), 4 not at the start ("."). */
const HOST_CLASS = new Uint8Array(256);
for (const c of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_') HOST_CLASS[c.charCodeAt(0)] = 1;
HOST_CLASS['-'.charCodeAt(0)] = 2;
HOST_CLASS['.'.charCodeAt(0)] = 4;

/** Parses a URI; undefined when it is not a usable SIP, SIPS or tel URI. Never throws. */
export function parseUri(text: string): SipUri | undefined {
  const scheme = schemeOf(text);
  if (scheme === undefined) return undefined;
  const start = scheme.length + 1;
  const length = text.length;
  if (scheme === 'tel') {
    const semi = text.indexOf(';');
    const user = semi < 0 ? text.slice(start) : text.slice(start, semi);
    if (user === '') return undefined;
    const params = semi < 0 ? '' : text.slice(semi);
    return { scheme, user, password: '', host: '', port: undefined, portText: '', params, headers: '' };
  }
  // ";" and "?" may occur unescaped in the user part, so what was found before an "@" is discarded. A header value
  // cannot contain a bare "@" (RFC 3261 section 25.1: hvalue), so the last "@" is the right one.
  let at = -1;
  let semi = -1;
  let question = -1;
  let bad = -1;
  for (let i = start; i < length; i++) {
    const c = text.charCodeAt(i);
    if (c === AT) {
      at = i;
      semi = -1;
      question = -1;
    } else if (c === SEMICOLON) {
      if (semi < 0 && question < 0) semi = i;
    } else if (c === QUESTION) {
      if (question < 0) question = i;
    } else if (bad < 0 && isForbidden(c)) {
      bad = i;
    }
  }
  const end = question < 0 ? length : question;
  if (bad >= 0 && bad < end) return undefined;
  const hostEnd = semi < 0 ? end : semi;
  const host = at < 0 ? start : at + 1;
  const colon = endOfHost(text, host, hostEnd);
  if (colon < 0) return undefined;
  let port: number | undefined;
  if (colon < hostEnd) {
    port = digitsIn(text, colon + 1, hostEnd, 5);
    if (port < 0 || port > 65535) return undefined;
  }
  let user = '';
  let password = '';
  if (at >= 0) {
    let pass = start;
    while (pass < at && text.charCodeAt(pass) !== COLON) pass++;
    user = text.slice(start, pass);
    if (pass < at) password = text.slice(pass + 1, at);
  }
  return {
    scheme,
    user,
    password,
    host: text.slice(host, colon),
    port,
    portText: port === undefined ? '' : text.slice(colon + 1, hostEnd),
    params: semi < 0 ? '' : text.slice(semi, end),
    headers: question < 0 ? '' : text.slice(question),
  };
}

function schemeOf(text: string): SipUri['scheme'] | undefined {
  const a = text.charCodeAt(0) | 32;
  const b = text.charCodeAt(1) | 32;
  const c = text.charCodeAt(2) | 32;
  if (a === 115 && b === 105 && c === 112) {
    const d = text.charCodeAt(3);
    if (d === COLON) return 'sip';
    return (d | 32) === 115 && text.charCodeAt(4) === COLON ? 'sips' : undefined;
  }
  return a === 116 && b === 101 && c === 108 && text.charCodeAt(3) === COLON ? 'tel' : undefined;
}

/** White space, quotes and angle brackets, which are not allowed in user part, host and parameters. */
function isForbidden(c: number): boolean {
  return c <= 32 ? c === 32 || (c >= 9 && c <= 13) : c === 34 || c === 60 || c === 62 || c === 160;
}

/** Where the host that begins at `start` ends: at the colon before a port, or at `end`; -1 when it is not a host. */
function endOfHost(text: string, start: number, end: number): number {
  let at = start;
  if (text.charCodeAt(at) === 91 /* [ */) {
    at++;
    while (at < end && isIpv6Character(text.charCodeAt(at))) at++;
    if (at === start + 1 || at >= end || text.charCodeAt(at) !== 93 /* ] */) return -1;
    at++;
    return at === end || text.charCodeAt(at) === COLON ? at : -1;
  }
  let last = 0;
  for (; at < end; at++) {
    const c = text.charCodeAt(at);
    if (c === COLON) break;
    last = HOST_CLASS[c] ?? 0;
    if (last === 0 || (last !== 1 && at === start)) return -1;
  }
  return at === start || last === 2 ? -1 : at;
}

function isIpv6Character(c: number): boolean {
  return (c >= 48 && c <= 58) || c === 46 || (c >= 65 && c <= 70) || (c >= 97 && c <= 102);
}

/**
 * The value of a URI parameter (letter case of the name does not matter): '' without a value, undefined when absent.
 */
export function uriParam(params: string, name: string): string | undefined {
  // One pass over the characters: a peer may write 64,000 parameters.
  for (let at = 0; at < params.length; ) {
    const start = ++at;
    let nameEnd = -1;
    for (; at < params.length; at++) {
      const c = params.charCodeAt(at);
      if (c === SEMICOLON) break;
      if (c === EQUALS && nameEnd < 0) nameEnd = at;
    }
    const stop = nameEnd < 0 ? at : nameEnd;
    if (stop - start === name.length && isAt(params, start, name)) {
      return nameEnd < 0 ? '' : params.slice(nameEnd + 1, at);
    }
  }
  return undefined;
}

const EQUALS = 61;

/** The parameters of a URI (each with its ";") without those with a name; letter case does not matter. */
export function withoutUriParam(params: string, name: string): string {
  const lower = name.toLowerCase();
  let out = '';
  let kept = 0;
  for (let at = params.indexOf(';'); at >= 0 && at < params.length; ) {
    let end = at + 1;
    let nameEnd = -1;
    for (; end < params.length; end++) {
      const c = params.charCodeAt(end);
      if (c === SEMICOLON) break;
      if (c === EQUALS && nameEnd < 0) nameEnd = end;
    }
    let start = at + 1;
    let stop = nameEnd < 0 ? end : nameEnd;
    while (start < stop && params.charCodeAt(start) <= 32) start++;
    while (stop > start && params.charCodeAt(stop - 1) <= 32) stop--;
    if (stop - start === lower.length && isAt(params, start, lower)) {
      out += params.slice(kept, at);
      kept = end;
    }
    at = end;
  }
  return kept === 0 ? params : out + params.slice(kept);
}

/** A transport, as named in URIs and socket descriptions. */
export type TransportName = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss' | 'sctp';

/**
 * The transport that a URI requires: its transport parameter, else tls for sips, else udp (RFC 3263 section 4.1). In a
 * sips URI, tcp means TLS over TCP and ws means wss (RFC 3261 section 26.2.2, RFC 7118 section 5.2). Undefined for an
 * unknown transport, and in a sips URI for one that cannot be secured (RFC 5630 section 3.1.3).
 */
export function uriTransport(uri: Pick<SipUri, 'scheme' | 'params'>): TransportName | undefined {
  const named = uri.params === '' ? undefined : uriParam(uri.params, 'transport');
  if (named === undefined) return uri.scheme === 'sips' ? 'tls' : 'udp';
  const lower = named.toLowerCase();
  const secure = uri.scheme === 'sips';
  switch (lower) {
    case 'udp':
    case 'sctp':
      return secure ? undefined : lower;
    case 'tcp':
      return secure ? 'tls' : lower;
    case 'ws':
      return secure ? 'wss' : lower;
    case 'tls':
    case 'wss':
      return lower;
    default:
      return undefined;
  }
}

/** Default port of a transport (RFC 3261 section 18.2.1, RFC 7118 section 5). */
export function defaultPort(transport: TransportName): number {
  switch (transport) {
    case 'tls':
      return 5061;
    case 'ws':
      return 80;
    case 'wss':
      return 443;
    default:
      return 5060;
  }
}

/** The host as URIs write it: an IPv6 address in brackets (RFC 3261 section 25.1). */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** A text with its escapes "%hh" decoded; a "%" that begins none stays. */
export function percentDecoded(text: string): string {
  return text.includes('%') ? withoutEscapes(text, '%', 3, hexPairAfter) : text;
}

/** The byte of the two hexadecimal digits after an index. */
function hexPairAfter(text: string, at: number): number | undefined {
  const high = hexDigit(text.charCodeAt(at + 1));
  const low = hexDigit(text.charCodeAt(at + 2));
  return high === undefined || low === undefined ? undefined : high * 16 + low;
}

function hexDigit(code: number): number | undefined {
  if (code >= 48 && code <= 57) return code - 48;
  const small = code | 0x20;
  return small >= 97 && small <= 102 ? small - 87 : undefined;
}

/** The escape of a byte: "%hh"; with `capitals` "%HH". */
function percentEscape(code: number, capitals: boolean): string {
  const hex = code.toString(16).padStart(2, '0');
  return `%${capitals ? hex.toUpperCase() : hex}`;
}

/**
 * Makes an encoder of texts of bytes: those that a class such as /[^a-z]/ matches become "%hh"; with `capitals` "%HH".
 */
export function percentEncoder(matched: RegExp, capitals = false): (text: string) => string {
  const table = byteTexts(matched, (code) => percentEscape(code, capitals));
  return (text) => withByteTexts(text, table);
}

/** A host without the brackets of an IPv6 address. */
export function bareHost(host: string): string {
  return host.charCodeAt(0) === 91 ? host.slice(1, -1) : host;
}
