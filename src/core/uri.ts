/**
 * The SIP URI as the dispatcher needs it: cut into its parts, nothing decoded, nothing folded (RFC 3261 section 19.1).
 * Strings are latin1: one code unit is one byte on the wire.
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

const PORT = /^[0-9]{1,5}$/;
const IPV6_REFERENCE = /^\[[0-9A-Fa-f:.]+\]$/;
const HOST = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/;

/** Cuts a URI into its parts, or returns undefined when it is not a usable SIP, SIPS or tel URI. Never throws. */
export function parseUri(text: string): SipUri | undefined {
  const colon = text.indexOf(':');
  if (colon < 3 || colon > 4) return undefined;
  const scheme = text.slice(0, colon).toLowerCase();
  if (scheme === 'tel') {
    const semi = text.indexOf(';');
    const user = semi < 0 ? text.slice(4) : text.slice(4, semi);
    if (user === '') return undefined;
    const params = semi < 0 ? '' : text.slice(semi);
    return { scheme, user, password: '', host: '', port: undefined, portText: '', params, headers: '' };
  }
  if (scheme !== 'sip' && scheme !== 'sips') return undefined;
  let rest = text.slice(colon + 1);
  let user = '';
  let password = '';
  // ';' and '?' may stand unescaped in the user part, so the user ends at the "@" before anything else is cut off;
  // a header value cannot hold a bare "@" (RFC 3261 section 25.1: hvalue), so the last "@" is the right one.
  const at = rest.lastIndexOf('@');
  if (at >= 0) {
    const userinfo = rest.slice(0, at);
    rest = rest.slice(at + 1);
    const pass = userinfo.indexOf(':');
    user = pass < 0 ? userinfo : userinfo.slice(0, pass);
    password = pass < 0 ? '' : userinfo.slice(pass + 1);
    if (/[\s<>"]/.test(userinfo)) return undefined;
  }
  let headers = '';
  const question = rest.indexOf('?');
  if (question >= 0) {
    headers = rest.slice(question);
    rest = rest.slice(0, question);
  }
  let params = '';
  const semi = rest.indexOf(';');
  if (semi >= 0) {
    params = rest.slice(semi);
    rest = rest.slice(0, semi);
    if (/[\s<>"]/.test(params)) return undefined;
  }
  let host = rest;
  let portText = '';
  if (rest.charCodeAt(0) === 91 /* [ */) {
    const close = rest.indexOf(']');
    if (close < 0) return undefined;
    host = rest.slice(0, close + 1);
    const after = rest.slice(close + 1);
    if (after !== '') {
      if (after.charCodeAt(0) !== 58) return undefined;
      portText = after.slice(1);
      if (!PORT.test(portText)) return undefined;
    }
    if (!IPV6_REFERENCE.test(host)) return undefined;
  } else {
    const port = rest.indexOf(':');
    if (port >= 0) {
      host = rest.slice(0, port);
      portText = rest.slice(port + 1);
      if (!PORT.test(portText)) return undefined;
    }
    if (!HOST.test(host)) return undefined;
  }
  const port = portText === '' ? undefined : Number(portText);
  if (port !== undefined && port > 65535) return undefined;
  return { scheme, user, password, host, port, portText, params, headers };
}

/** The value of a URI parameter (name matched without case): '' for a parameter without value, undefined when absent. */
export function uriParam(params: string, name: string): string | undefined {
  let from = 0;
  while (from < params.length) {
    const start = from + 1;
    let end = params.indexOf(';', start);
    if (end < 0) end = params.length;
    const equals = params.indexOf('=', start);
    const nameEnd = equals >= 0 && equals < end ? equals : end;
    if (nameEnd - start === name.length && params.slice(start, nameEnd).toLowerCase() === name) {
      return nameEnd === end ? '' : params.slice(nameEnd + 1, end);
    }
    from = end;
  }
  return undefined;
}

export type TransportName = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss' | 'sctp';

/** The transport a URI asks for: its transport parameter, else tls for sips, else udp (RFC 3263 section 4.1). */
export function uriTransport(uri: Pick<SipUri, 'scheme' | 'params'>): TransportName | undefined {
  const named = uri.params === '' ? undefined : uriParam(uri.params, 'transport');
  if (named === undefined) return uri.scheme === 'sips' ? 'tls' : 'udp';
  const lower = named.toLowerCase();
  switch (lower) {
    case 'udp':
    case 'tcp':
    case 'tls':
    case 'ws':
    case 'wss':
    case 'sctp':
      return uri.scheme === 'sips' && lower === 'tcp' ? 'tls' : lower;
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

/** The host without the brackets of an IPv6 reference. */
export function bareHost(host: string): string {
  return host.charCodeAt(0) === 91 ? host.slice(1, -1) : host;
}
