import { createHash } from 'node:crypto';

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

/** A credentials header field for the challenge in a reply, as a phone computes it (RFC 2617). */
export function credentials(challenge: string, user: string, password: string, method: string, uri: string): string {
  const of = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? '';
  const [realm, nonce] = [of('realm'), of('nonce')];
  const name = /^Proxy-Authenticate:/m.test(challenge) ? 'Proxy-Authorization' : 'Authorization';
  const [ha1, ha2] = [md5(`${user}:${realm}:${password}`), md5(`${method}:${uri}`)];
  const asked = /qop=/.test(challenge) ? ', qop=auth, nc=00000001, cnonce="cn"' : '';
  const response = md5(asked === '' ? `${ha1}:${nonce}:${ha2}` : `${ha1}:${nonce}:00000001:cn:auth:${ha2}`);
  return `${name}: Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}"${asked}, response="${response}"\r\n`;
}
