import { parseUri } from '../core/uri.js';

/** Parameters that two equal URIs must both have, if one has them (RFC 3261 section 19.1.4). */
const IN_BOTH = new Set(['user', 'ttl', 'method', 'maddr', 'transport']);

function paramsOf(text: string): Map<string, string> {
  const out = new Map<string, string>();
  for (const each of text.split(';').slice(1)) {
    const [name = '', ...value] = each.split('=');
    out.set(name.toLowerCase(), value.join('=').toLowerCase());
  }
  return out;
}

/** As recorded, Kamailio ignores header fields, and a transport that only one of the URIs has. */
const IN_BOTH_OF_KAMAILIO = new Set([...IN_BOTH].filter((each) => each !== 'transport'));

/** Whether two SIP URIs are equal (RFC 3261 section 19.1.4). False when one is invalid. */
export function compareUris(one: string, other: string, dialect: 'rfc' | 'kamailio' = 'rfc'): boolean {
  const [a, b] = [parseUri(one), parseUri(other)];
  if (a === undefined || b === undefined) return false;
  if (a.scheme !== b.scheme || a.user !== b.user || a.password !== b.password) return false;
  if (a.host.toLowerCase() !== b.host.toLowerCase() || a.port !== b.port) return false;
  const needed = dialect === 'kamailio' ? IN_BOTH_OF_KAMAILIO : IN_BOTH;
  const [left, right] = [paramsOf(a.params), paramsOf(b.params)];
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const both = left.has(name) && right.has(name);
    if (both ? left.get(name) !== right.get(name) : needed.has(name)) return false;
  }
  return dialect === 'kamailio' || a.headers === b.headers;
}
