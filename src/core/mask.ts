import { parseUri } from './uri.js';

/** A SIP URI for logs and lists: its password, and the value of a parameter "password", become "***". */
export function maskUri(uri: string): string {
  return maskParameters(maskUserPassword(uri));
}

function maskUserPassword(uri: string): string {
  // Most URIs have no user part.
  if (!uri.includes('@')) return uri;
  const parsed = parseUri(uri);
  if (parsed === undefined) return maskUserPasswords(uri);
  if (parsed.password === '') return uri;
  const start = parsed.scheme.length + 1 + parsed.user.length + 1;
  return `${uri.slice(0, start)}***${uri.slice(start + parsed.password.length)}`;
}

/** Matches a parameter or header "password" of a URI; the value ends at a comma, quote or blank. */
const PARAMETER = /([;?&]password=)[^;?<>"\\\s,]+/gi;

function maskParameters(text: string): string {
  return /password=/i.test(text) ? text.replace(PARAMETER, '$1***') : text;
}

/**
 * Any text for logs: passwords in its URIs ("sip:user:password@", "kind://user:password@", ";password=") become "***".
 * Within a run without blanks, quotes and angle brackets, everything from the first password to the last "@" is masked.
 * Takes linear time, since the text may be from a peer.
 */
export function maskSecrets(text: string): string {
  return maskParameters(maskUserPasswords(text));
}

function maskUserPasswords(text: string): string {
  let lastAt = text.indexOf('@');
  if (lastAt < 0) return text;
  let out = '';
  let done = 0;
  for (let start = 0; lastAt >= 0; ) {
    while (start < lastAt && !isRun(text, start)) start++;
    let end = start;
    let at = -1;
    for (; end < text.length && isRun(text, end); end++) if (text.charCodeAt(end) === AT) at = end;
    const password = at < 0 ? -1 : passwordIn(text, start, at);
    if (password >= 0) {
      out += `${text.slice(done, password)}***`;
      done = at;
    }
    start = end + 1;
    lastAt = text.indexOf('@', start);
  }
  return done === 0 ? text : out + text.slice(done);
}

const COLON = 58;
const SLASH = 47;
const AT = 64;

/** Where the first password of a URI between `start` and an "@" begins; -1 if there is none. */
function passwordIn(text: string, start: number, end: number): number {
  for (let colon = text.indexOf(':', start); colon >= 0 && colon < end; ) {
    const isWeb = text.charCodeAt(colon + 1) === SLASH && text.charCodeAt(colon + 2) === SLASH;
    let at = isWeb ? colon + 3 : colon + 1;
    if (isWeb ? isKind(text, colon) : isSip(text, colon, start)) {
      for (; at < end; at++) {
        const c = text.charCodeAt(at);
        if (c === COLON || c === AT || (isWeb && c === SLASH)) break;
      }
      if (at < end && text.charCodeAt(at) === COLON) return at + 1;
    }
    colon = text.indexOf(':', at);
  }
  return -1;
}

function isSip(text: string, colon: number, start: number): boolean {
  const at = Math.max(start, colon - 4);
  return /sips?$/i.test(text.slice(at, colon));
}

/** Whether a letter or digit stands before the ":" of "://", so that it may be a URI scheme. */
function isKind(text: string, colon: number): boolean {
  return colon > 0 && /[a-z0-9]/i.test(text.charAt(colon - 1));
}

/** Whether the character may be part of a URI in a text (escapes are not considered). */
function isRun(text: string, at: number): boolean {
  const c = text.charCodeAt(at);
  return c > 32 && c !== 34 && c !== 60 && c !== 62 && c !== 0xa0;
}
