import { trimmed } from './characters.js';
import { endOfQuoted } from './name-addr.js';

/**
 * The user name in digest credentials (value of an Authorization or Proxy-Authorization header, RFC 3261 section 22):
 * up to "@", trimmed, quoted or not. Undefined for another scheme, without a user name, or when the credentials cannot
 * be parsed. Takes linear time.
 */
export function digestUsername(credentials: string): string | undefined {
  const scheme = /^[ \t\r\n]*digest[ \t\r\n]+/i.exec(credentials);
  if (scheme === null) return undefined;
  let at = scheme[0].length;
  while (at < credentials.length) {
    const equals = credentials.indexOf('=', at);
    if (equals < 0) return undefined;
    const name = trimmed(credentials.slice(at, equals)).toLowerCase();
    let start = equals + 1;
    while (credentials.charCodeAt(start) === 32 || credentials.charCodeAt(start) === 9) start++;
    const quoted = credentials.charCodeAt(start) === 34;
    const close = quoted ? endOfQuoted(credentials, start) : start;
    const comma = credentials.indexOf(',', close);
    const end = comma < 0 ? credentials.length : comma;
    if (name === 'username') {
      // Escapes are kept, since the bytes as sent are hashed.
      const value = quoted ? credentials.slice(start + 1, close - 1) : upToBlank(credentials.slice(start, end));
      const sign = value.indexOf('@');
      const user = trimmed(sign < 0 ? value : value.slice(0, sign));
      return user === '' ? undefined : user;
    }
    at = end + 1;
  }
  return undefined;
}

function upToBlank(text: string): string {
  const blank = text.search(/[ \t]/);
  return blank < 0 ? text : text.slice(0, blank);
}
