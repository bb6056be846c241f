import { parseUri, uriParam } from '../../core/uri.js';
import type { Destination } from '../destination.js';
import type { Compat } from '../options.js';
import { dialledAddress } from '../secure-address.js';

/**
 * The request-URI with host, port and parameters of a destination (ds_select_domain, ds_next_domain); scheme, user and
 * headers stay. Undefined for a URI without a host, such as tel.
 * A strict partition inserts the destination's parameters before the existing ones, even if a name then occurs twice.
 * By default a parameter of the destination replaces the one with its name, and for a sips destination the transport is
 * added.
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

/** Host and port of a request-URI as in $rd:$rp; a missing port is the default of the transport. */
export function requestUriTarget(ruri: string): string {
  const uri = parseUri(ruri);
  if (uri === undefined) return '';
  return `${uri.host}:${uri.port ?? (uri.scheme === 'sips' || lastTransport(uri.params) === 'tls' ? 5061 : 5060)}`;
}

/**
 * Rewrites the request-URI for one hop after another. By default, parameters that the previous destination added are
 * removed first, if the URI still ends with them. In a strict partition they accumulate, as recorded.
 */
export class RequestUriRewriter {
  private producedTail: string | undefined = undefined;
  private originalTail = '';

  constructor(private readonly compat: Compat) {}

  /** The request-URI for the next destination; undefined for one that is not a SIP URI. */
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
  /** Scheme, and user with "@". */
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
