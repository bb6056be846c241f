/** Parts of a URI as text, not validated; core functions change and join them. */
export interface UriParts {
  scheme: string;
  user: string | undefined;
  password: string | undefined;
  host: string;
  port: string | undefined;
  /** Parameters with their leading ";", headers with their "?". */
  params: string;
  headers: string;
}

/** Splits a URI without validation; undefined for a text without a scheme. */
export function cutUri(text: string): UriParts | undefined {
  const scheme = /^(sips?|tel|tels|urn):/i.exec(text)?.[1];
  if (scheme === undefined) return undefined;
  let rest = text.slice(scheme.length + 1);
  if (/^tel/i.test(scheme)) {
    const semi = rest.indexOf(';');
    return {
      scheme,
      user: semi < 0 ? rest : rest.slice(0, semi),
      password: undefined,
      host: '',
      port: undefined,
      params: semi < 0 ? '' : rest.slice(semi),
      headers: '',
    };
  }
  let user: string | undefined;
  let password: string | undefined;
  const at = rest.lastIndexOf('@');
  if (at >= 0) {
    const info = rest.slice(0, at);
    rest = rest.slice(at + 1);
    const colon = info.indexOf(':');
    user = colon < 0 ? info : info.slice(0, colon);
    password = colon < 0 ? undefined : info.slice(colon + 1);
  }
  const question = rest.indexOf('?');
  const headers = question < 0 ? '' : rest.slice(question);
  if (question >= 0) rest = rest.slice(0, question);
  const semi = rest.indexOf(';');
  const params = semi < 0 ? '' : rest.slice(semi);
  if (semi >= 0) rest = rest.slice(0, semi);
  const colon = rest.startsWith('[') ? rest.indexOf(':', rest.indexOf(']')) : rest.indexOf(':');
  return {
    scheme,
    user,
    password,
    host: colon < 0 ? rest : rest.slice(0, colon),
    port: colon < 0 ? undefined : rest.slice(colon + 1),
    params,
    headers,
  };
}

/** As recorded of Kamailio, setting the host of a tel URI makes it a SIP URI with a telephone number. */
export function telWithHost(u: UriParts): void {
  if (!/^tel/i.test(u.scheme)) return;
  u.scheme = /^tels/i.test(u.scheme) ? 'sips' : 'sip';
  u.user = `${u.user ?? ''}${u.params}`;
  u.params = ';user=phone';
}

/** The URI made of these parts. */
export function joinUri(u: UriParts): string {
  if (/^tel/i.test(u.scheme)) return `${u.scheme}:${u.user ?? ''}${u.params}`;
  const info =
    u.user === undefined || u.user === '' ? '' : `${u.user}${u.password === undefined ? '' : `:${u.password}`}@`;
  return `${u.scheme}:${info}${u.host}${u.port === undefined || u.port === '' ? '' : `:${u.port}`}${u.params}${u.headers}`;
}
