import { uriParam } from '../core/uri.js';
import { finishHash, foldHash } from './hash.js';

/** No hash can be computed: the URI is not one. */
export const NO_HASH = -1;

const COLON = 58;
const AT = 64;
const SEMICOLON = 59;
const QUESTION = 63;
const LEFT_BRACKET = 91;
const RIGHT_BRACKET = 93;

/**
 * Hash of a URI over two keys: the user (without password), then the host; ":port" stays on the host when it is written
 * and is not the default of the URI's transport (5061 for sips and transport=tls, else 5060). Nothing is decoded and no
 * case is folded. `userOnly` (flag u) leaves the second key out. A tel URI has its number for user and an empty host; a
 * URI of any other scheme is all host. NO_HASH when `uri` has no scheme or nothing after it.
 */
export function uriHash(uri: string, userOnly: boolean): number {
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
  if (scheme === 'other') return finish(uri, start, start, start, uri.length, userOnly);

  // ";" and "?" may stand in the user part, so its end, the last "@", is looked for before anything else. It is nearly
  // always the only one; lastIndexOf costs twice as much.
  let at = uri.indexOf('@', start);
  if (at >= start && uri.indexOf('@', at + 1) >= 0) at = uri.lastIndexOf('@');
  let userEnd = start;
  let hostStart = start;
  if (at >= start) {
    hostStart = at + 1;
    while (userEnd < at && uri.charCodeAt(userEnd) !== COLON) userEnd++;
  }
  if (userOnly) return finish(uri, start, userEnd, 0, 0, true);
  const hostEnd = endOfHost(uri, hostStart);
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
    if (portEnd > hostEnd + 1 && port !== defaultPortOf(uri, scheme, portEnd)) keyEnd = portEnd;
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

function endOfHost(uri: string, start: number): number {
  let i = start;
  if (uri.charCodeAt(i) === LEFT_BRACKET) {
    while (i < uri.length && uri.charCodeAt(i) !== RIGHT_BRACKET) i++;
    return Math.min(i + 1, uri.length);
  }
  for (; i < uri.length; i++) {
    const c = uri.charCodeAt(i);
    // One comparison for nearly all characters of a host: the four stand close together.
    if (c <= AT && c >= COLON && (c <= SEMICOLON || c >= QUESTION)) break;
  }
  return i;
}

function defaultPortOf(uri: string, scheme: 'sip' | 'sips', paramsStart: number): number {
  if (scheme === 'sips') return 5061;
  if (uri.charCodeAt(paramsStart) !== SEMICOLON) return 5060;
  const question = uri.indexOf('?', paramsStart);
  const params = question < 0 ? uri.slice(paramsStart) : uri.slice(paramsStart, question);
  return uriParam(params, 'transport')?.toLowerCase() === 'tls' ? 5061 : 5060;
}
