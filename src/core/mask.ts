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

/**
 * Parameters and header fields that hold a password; a comma, a quote or a blank ends one in a text. Blanks around "="
 * belong to the grammar of header fields (RFC 3261 section 25.1, SEMI and EQUAL), and a quoted value does: in JSON its
 * quotes have a backslash each.
 */
const PARAMETER =
  /([;?&][ \t]{0,64}password[ \t]{0,64}=[ \t]{0,64})(?:\\?"[^"\\ \t\r\n,:{}[\]]{1,256}(?=\\?")|[^;?<>"\\ \t\r\n,]+)/gi;

function maskParameters(text: string): string {
  return /password[ \t]{0,64}=/i.test(text) ? text.replace(PARAMETER, '$1***') : text;
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
  let nextAt = text.indexOf('@');
  if (nextAt < 0) return text;
  let out = '';
  let done = 0;
  for (let start = 0; nextAt >= 0; ) {
    while (start < nextAt && !isRun(text, start)) start++;
    let end = start;
    let at = -1;
    for (; end < text.length && isRun(text, end); end++) if (text.charCodeAt(end) === AT) at = end;
    // Of this word alone: a search in the whole text would go on to its end for each word.
    const password = at < 0 ? -1 : passwordIn(text.slice(start, at));
    if (password >= 0) {
      out += `${text.slice(done, start + password)}***`;
      done = at;
    }
    start = end + 1;
    // Searched once and not for each word, since the only "@" may be at the end of a long text.
    if (nextAt < start) nextAt = text.indexOf('@', start);
  }
  return done === 0 ? text : out + text.slice(done);
}

const COLON = 58;
const SLASH = 47;
const AT = 64;

/** Where the first password of a URI in the text before an "@" begins; -1 if there is none. */
function passwordIn(text: string): number {
  for (let colon = text.indexOf(':'); colon >= 0; ) {
    // One slash is left where a URL was taken for a path.
    const isWeb = text.charCodeAt(colon + 1) === SLASH;
    let at = colon + 1;
    while (isWeb && at < colon + 3 && text.charCodeAt(at) === SLASH) at++;
    if (isWeb ? isKind(text, colon) : isSip(text, colon)) {
      for (; at < text.length; at++) {
        const c = text.charCodeAt(at);
        if (c === COLON || c === AT || (isWeb && c === SLASH)) break;
      }
      if (at < text.length && text.charCodeAt(at) === COLON) return at + 1;
    }
    colon = text.indexOf(':', at);
  }
  return -1;
}

function isSip(text: string, colon: number): boolean {
  return /sips?$/i.test(text.slice(Math.max(0, colon - 4), colon));
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
