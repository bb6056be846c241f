import { parseUri, uriParam } from '../../core/uri.js';
import type { Destination } from '../destination.js';
import type { Compat } from '../options.js';
import { dialledAddress } from '../secure-address.js';

/**
 * The Request-URI with host, port and parameters of a destination (ds_select_domain, ds_next_domain): scheme, user and
 * headers stay. Undefined for a URI without a host, such as tel.
 *
 * A strict partition puts the destination's parameters before those that are there, twice the same or not. By default a
 * parameter of the destination replaces one with its name, and a sips destination is named with its transport.
 */
export function rewriteRequestUriDomain(ruri: string, destination: Destination, compat: Compat): string | undefined {
  const parts = cut(ruri);
  if (parts === undefined) return undefined;
  if (compat === 'strict') {
    const { dialUri } = destination;
    return parts.before + dialUri.slice(dialUri.indexOf(':') + 1) + parts.params + parts.headers;
  }
  const { address, params } = dialledAddress(destination, parts.scheme);
  return parts.before + address + withoutParams(parts.params, params) + parts.headers;
}

/** Host and port a Request-URI leads to, as $rd:$rp show them: a port that is not written is its transport's. */
export function requestUriTarget(ruri: string): string {
  const uri = parseUri(ruri);
  if (uri === undefined) return '';
  return `${uri.host}:${uri.port ?? (uri.scheme === 'sips' || lastTransport(uri.params) === 'tls' ? 5061 : 5060)}`;
}

/**
 * Rewrites the Request-URI hop after hop. Where a URI still ends as the last rewriting left it, the parameters given to
 * the destination before are taken back first, so nothing leaks from one hop to the next (by default; a strict partition
 * lets them pile up, as recorded).
 */
export class RequestUriRewriter {
  private producedTail: string | undefined = undefined;
  private originalTail = '';

  constructor(private readonly compat: Compat) {}

  /** The request-URI for the next destination; undefined for one that is no SIP URI. */
  rewrite(ruri: string, destination: Destination): string | undefined {
    const { compat } = this;
    if (compat === 'strict') return rewriteRequestUriDomain(ruri, destination, compat);
    const parts = cut(ruri);
    if (parts === undefined) return undefined;
    const tail = parts.params + parts.headers;
    if (tail !== this.producedTail) this.originalTail = tail;
    const base = `${parts.before}${parts.host}${this.originalTail}`;
    const rewritten = rewriteRequestUriDomain(base, destination, compat);
    const result = rewritten === undefined ? undefined : cut(rewritten);
    this.producedTail = result === undefined ? undefined : result.params + result.headers;
    return rewritten;
  }
}

interface Cut {
  readonly scheme: string;
  /** Scheme, and user with its "@". */
  readonly before: string;
  readonly host: string;
  readonly params: string;
  readonly headers: string;
}

function cut(ruri: string): Cut | undefined {
  const uri = parseUri(ruri);
  if (uri === undefined || uri.host === '') return undefined;
  const at = ruri.lastIndexOf('@');
  const before = ruri.slice(0, at < 0 ? ruri.indexOf(':') + 1 : at + 1);
  return { scheme: uri.scheme, before, host: uri.host, params: uri.params, headers: uri.headers };
}

function nameOf(param: string): string {
  const equals = param.indexOf('=');
  return (equals < 0 ? param : param.slice(0, equals)).toLowerCase();
}

function withoutParams(params: string, replaced: string): string {
  if (params === '' || replaced === '') return params;
  let kept = '';
  for (const param of params.slice(1).split(';')) {
    if (uriParam(replaced, nameOf(param)) === undefined) kept += `;${param}`;
  }
  return kept;
}

function lastTransport(params: string): string | undefined {
  let found: string | undefined;
  for (const param of params.split(';')) {
    if (nameOf(param) === 'transport') found = param.slice(10).toLowerCase();
  }
  return found;
}
