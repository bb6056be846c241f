import { uriParam } from '../core/uri.js';
import { finishHash, foldHash } from './hash.js';
import type { FlavourName } from './options.js';

/** What follows the host, up to the headers, names a telephone number. */
const USER_PHONE = /^[^?]*;[uU][sS][eE][rR]=phone(?:[;?]|$)/;

/** No hash can be computed: the URI is not one. */
export const NO_HASH = -1;

const COLON = 58;
const AT = 64;
const SEMICOLON = 59;
const QUESTION = 63;
const LEFT_BRACKET = 91;

/**
 * Hash of a URI over two keys: the user (without password), then the host; ":port" stays on the host when it is written
 * and is not the default of the URI's transport (5061 for sips and transport=tls, else 5060). Nothing is decoded and no
 * case is folded. `userOnly` (flag u) leaves the second key out. A tel URI has its number for user and an empty host; a
 * URI of any other scheme is all host. Kamailio looks at the scheme alone for the default port,
 * takes no empty user, and cuts a urn at its second colon; with user=phone the user ends at ";" and the default port is
 * 5060 (recorded). NO_HASH when `uri` has no scheme or nothing after it.
 */
export function uriHash(uri: string, userOnly: boolean, flavour: FlavourName = 'opensips'): number {
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

  // One pass: ";" and "?" may stand in the user part, so only the last "@" ends it, and whatever was taken for host,
  // password or port before it was user.
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
