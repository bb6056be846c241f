import { uriParam } from '../core/uri.js';
import { finishHash, foldHash } from './hash.js';
import type { FlavourName } from './options.js';

/** Matches if the URI has the parameter user=phone: then its user is a telephone number. */
const USER_PHONE = /^[^?]*;[uU][sS][eE][rR]=phone(?:[;?]|$)/;

/** The text is not a URI, so it has no hash. */
export const NO_HASH = -1;

/** `plainUriHash` cannot handle the URI; `anyUriHash` must. */
const NOT_PLAIN = -2;

const LAST_ASCII = 127;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const AT = 64;
const SEMICOLON = 59;
const QUESTION = 63;
const LEFT_BRACKET = 91;

/**
 * Hash of a URI from two keys: the user (without password) and the host. ":port" is part of the host key if it is
 * written and not the default port of the URI's transport (5061 for sips and transport=tls, else 5060). Nothing is
 * decoded, and case matters. `userOnly` (flag u) omits the host key. In a tel URI the number is the user and the host
 * is empty; a URI of any other scheme is all host. Kamailio differs (recorded): only the scheme decides the default
 * port, an empty user is not allowed, a urn ends at its second colon, and with user=phone the user ends at ";" and the
 * default port is 5060. Returns NO_HASH when `uri` has no scheme or nothing after it.
 */
export function uriHash(uri: string, userOnly: boolean, flavour: FlavourName = 'opensips'): number {
  const hash = plainUriHash(uri, userOnly, flavour);
  return hash === NOT_PLAIN ? anyUriHash(uri, userOnly, flavour) : hash;
}

/**
 * Hash of a URI in the usual form, sip:USER@HOST with at most a port or parameters. It computes the hash while it reads
 * the characters, four at a time and only once, since reading them is most of the cost of a selection. Returns
 * NOT_PLAIN for other URIs.
 */
function plainUriHash(uri: string, userOnly: boolean, flavour: FlavourName): number {
  const length = uri.length;
  if (length < 7 || uri.charCodeAt(3) !== COLON || schemeOf(uri, 3) !== 'sip') return NOT_PLAIN;
  // Each key is added in groups of four bytes; the remaining bytes make a shorter number (`foldHash`).
  let sum = 0;
  let at = 4;
  let four = 0;
  let ends = 0;
  for (; ; at += 4) {
    if (at >= length) return NOT_PLAIN;
    four = fourOf(uri, at, length);
    ends = endsIn(four);
    if (ends !== 0) break;
    sum = (sum + (four ^ (four >>> 3))) | 0;
  }
  let before = Math.clz32(ends) >>> 3;
  if (four < 0 || at + before === 4 || octetOf(four, before) !== AT) return NOT_PLAIN;
  let word = before === 0 ? 0 : four >>> (32 - 8 * before);
  sum = (sum + (word ^ (word >>> 3))) | 0;
  const host = at + before + 1;
  if (userOnly) {
    if (uri.indexOf('@', host) >= 0 || (flavour === 'kamailio' && uri.indexOf(';', host) >= 0)) return NOT_PLAIN;
    return finishHash(sum) || 1;
  }

  if (host >= length) return NOT_PLAIN;
  for (at = host; at < length; at += 4) {
    four = fourOf(uri, at, length);
    ends = endsIn(four);
    if (ends !== 0) break;
    word = at + 4 <= length ? four : four >>> (8 * (at + 4 - length));
    sum = (sum + (word ^ (word >>> 3))) | 0;
  }
  if (at >= length) return finishHash(sum) || 1;
  before = Math.clz32(ends) >>> 3;
  if (four < 0 || at + before === host) return NOT_PLAIN;
  const end = octetOf(four, before);
  word = before === 0 ? 0 : four >>> (32 - 8 * before);
  const portless = (sum + (word ^ (word >>> 3))) | 0;
  if (end === SEMICOLON || end === QUESTION) {
    // After an "@", everything so far was the user; and user=phone would require the parameters.
    if (flavour === 'kamailio' || uri.indexOf('@', at) >= 0) return NOT_PLAIN;
    return finishHash(portless) || 1;
  }
  if (end !== COLON || at + before + 1 === length) return NOT_PLAIN;
  // Parameters after the port may name the transport, which decides the default port.
  let port = 0;
  for (let i = before + 1; i < 4 && at + i < length; i++) {
    const digit = octetOf(four, i) - ZERO;
    if (digit < 0 || digit > 9) return NOT_PLAIN;
    port = port * 10 + digit;
  }
  word = at + 4 <= length ? four : four >>> (8 * (at + 4 - length));
  sum = (sum + (word ^ (word >>> 3))) | 0;
  word = 0;
  for (at += 4; at < length; at++) {
    const c = uri.charCodeAt(at);
    if (c < ZERO || c > NINE) return NOT_PLAIN;
    port = port * 10 + c - ZERO;
    if (port > 65535) return NOT_PLAIN;
    word = (word << 8) | c;
    if (word > 0xffffff) {
      sum = (sum + (word ^ (word >>> 3))) | 0;
      word = 0;
    }
  }
  if (port === 5060) return finishHash(portless) || 1;
  sum = (sum + (word ^ (word >>> 3))) | 0;
  return finishHash(sum) || 1;
}

/**
 * The four characters at `at` as a number, the first one highest, zero beyond the end; negative if one of them is not
 * ASCII.
 */
function fourOf(uri: string, at: number, length: number): number {
  if (at + 3 < length) {
    const a = uri.charCodeAt(at);
    const b = uri.charCodeAt(at + 1);
    const c = uri.charCodeAt(at + 2);
    const d = uri.charCodeAt(at + 3);
    return (a | b | c | d) > LAST_ASCII ? -1 : (a << 24) | (b << 16) | (c << 8) | d;
  }
  const a = uri.charCodeAt(at);
  const b = at + 1 < length ? uri.charCodeAt(at + 1) : 0;
  const c = at + 2 < length ? uri.charCodeAt(at + 2) : 0;
  return (a | b | c) > LAST_ASCII ? -1 : (a << 24) | (b << 16) | (c << 8);
}

/**
 * Has bit 7 set for each of four ASCII characters that may end a key (":" to "@", or "["). All four are tested at once;
 * no byte overflows into the next. Not 0 for a negative number.
 */
function endsIn(four: number): number {
  if (four < 0) return -1;
  const range = (four + 0x46464646) & ~(four + 0x3f3f3f3f);
  const bracket = ~((four ^ 0x5b5b5b5b) + 0x7f7f7f7f);
  return (range | bracket) & 0x80808080;
}

function octetOf(four: number, index: number): number {
  return (four >>> (24 - 8 * index)) & 255;
}

/** Hash of any URI, from its parsed parts. Exported for a test that compares it with the faster `uriHash`. */
export function anyUriHash(uri: string, userOnly: boolean, flavour: FlavourName): number {
  const length = uri.length;
  let colon = 0;
  while (colon < length && uri.charCodeAt(colon) !== COLON) colon++;
  if (colon === 0 || colon + 1 >= length) return NO_HASH;
  const scheme = schemeOf(uri, colon);
  const start = colon + 1;
  if (scheme === 'tel') {
    const semicolon = uri.indexOf(';', start);
    return finish(uri, start, semicolon < 0 ? uri.length : semicolon, 0, 0, userOnly);
  }
  if (flavour === 'kamailio') {
    if (uri.charCodeAt(start) === AT) return NO_HASH;
    const second = scheme === 'other' ? uri.indexOf(':', start) : -1;
    if (second >= 0) return finish(uri, start, second, second + 1, length, userOnly);
  }
  if (scheme === 'other') return finish(uri, start, start, start, uri.length, userOnly);

  // One pass. The user may contain ";" and "?", so only the last "@" ends it; a host, password or port found before
  // that was part of the user.
  let userEnd = start;
  let firstColon = -1;
  let hostStart = start;
  let hostEnd = -1;
  for (let i = start; i < length; i++) {
    const c = uri.charCodeAt(i);
    if (c > AT || c < COLON) continue;
    if (c === AT) {
      userEnd = firstColon < 0 ? i : firstColon;
      hostStart = i + 1;
      hostEnd = -1;
    } else if (c === COLON) {
      if (firstColon < 0) firstColon = i;
      if (hostEnd < 0) hostEnd = i;
    } else if (hostEnd < 0 && (c === SEMICOLON || c === QUESTION)) hostEnd = i;
  }
  const phone = flavour === 'kamailio' && hostEnd >= 0 && USER_PHONE.test(uri.slice(hostEnd));
  if (phone) {
    const semicolon = uri.indexOf(';', start);
    if (semicolon < userEnd) userEnd = semicolon;
  }
  if (userOnly) return finish(uri, start, userEnd, 0, 0, true);
  if (uri.charCodeAt(hostStart) === LEFT_BRACKET) hostEnd = uri.indexOf(']', hostStart) + 1 || length;
  else if (hostEnd < 0) hostEnd = length;
  if (hostEnd === hostStart) return NO_HASH;
  let keyEnd = hostEnd;
  if (uri.charCodeAt(hostEnd) === COLON) {
    let portEnd = hostEnd + 1;
    let port = 0;
    for (; portEnd < uri.length; portEnd++) {
      const digit = uri.charCodeAt(portEnd) - 48;
      if (digit < 0 || digit > 9) break;
      port = port * 10 + digit;
      if (port > 65535) return NO_HASH;
    }
    if (portEnd > hostEnd + 1 && port !== (phone ? 5060 : defaultPortOf(uri, scheme, portEnd, flavour)))
      keyEnd = portEnd;
  }
  return finish(uri, start, userEnd, hostStart, keyEnd, false);
}

function finish(uri: string, from: number, to: number, hostFrom: number, hostTo: number, userOnly: boolean): number {
  const sum = foldHash(0, uri, from, to);
  return finishHash(userOnly ? sum : foldHash(sum, uri, hostFrom, hostTo)) || 1;
}

function schemeOf(uri: string, colon: number): 'sip' | 'sips' | 'tel' | 'other' {
  if (colon !== 3 && colon !== 4) return 'other';
  const a = uri.charCodeAt(0) | 32;
  const b = uri.charCodeAt(1) | 32;
  const c = uri.charCodeAt(2) | 32;
  if (a === 115 && b === 105 && c === 112) {
    if (colon === 3) return 'sip';
    return (uri.charCodeAt(3) | 32) === 115 ? 'sips' : 'other';
  }
  return colon === 3 && a === 116 && b === 101 && c === 108 ? 'tel' : 'other';
}

function defaultPortOf(uri: string, scheme: 'sip' | 'sips', paramsStart: number, flavour: FlavourName): number {
  if (scheme === 'sips') return 5061;
  if (flavour === 'kamailio' || uri.charCodeAt(paramsStart) !== SEMICOLON) return 5060;
  const question = uri.indexOf('?', paramsStart);
  const params = question < 0 ? uri.slice(paramsStart) : uri.slice(paramsStart, question);
  return uriParam(params, 'transport')?.toLowerCase() === 'tls' ? 5061 : 5060;
}
