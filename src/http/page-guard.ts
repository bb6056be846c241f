import type { IncomingHttpHeaders } from 'node:http';
import { hostname } from 'node:os';
import { isOwnHost, isSameOrigin } from '../core/web-origin.js';

/** Why a request is refused that a web page of another origin may have caused. */
export interface PageRefusal {
  readonly status: 403 | 415;
  readonly reason: string;
}

const FOREIGN_HOST: PageRefusal = { status: 403, reason: 'unknown host: name it in "hosts" of "http"' };

/**
 * Protects against web pages of other origins, which could use endpoints without a password, or with the user's cookie.
 * A browser sends the origin of the page and its relation to us (Origin, Sec-Fetch-Site), and the host name it connects
 * to. An attacker may let a name point to our address (DNS rebinding); such a name is not among ours.
 */
export class PageGuard {
  private readonly names: ReadonlySet<string>;

  /**
   * @param hosts names of this server, besides IP addresses, "localhost", the listener's and the machine's own name
   * @param secure whether the listener speaks TLS
   */
  constructor(
    hosts: readonly string[],
    private readonly secure: boolean,
  ) {
    this.names = new Set(['localhost', hostname(), ...hosts].map((each) => each.toLowerCase()));
  }

  /** Why the host name of a request is refused; undefined when the name is ours. */
  hostRefusal({ host }: IncomingHttpHeaders): PageRefusal | undefined {
    return host === undefined || isOwnHost(host, this.names) ? undefined : FOREIGN_HOST;
  }

  /** Why a request with these headers is refused; undefined when it is accepted. */
  refusal(headers: IncomingHttpHeaders): PageRefusal | undefined {
    const { host, origin } = headers;
    const foreign = this.hostRefusal(headers);
    if (foreign !== undefined) return foreign;
    const site = headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none') {
      return { status: 403, reason: 'the request comes from a page of another origin' };
    }
    if (origin !== undefined && !isSameOrigin(origin, host, this.secure)) {
      return { status: 403, reason: 'the request comes from a page of another origin' };
    }
    return undefined;
  }
}

/**
 * Why a POST is refused for its content type. A page of another origin can send any other type without asking us (Fetch
 * standard, CORS-safelisted request-headers), but not JSON.
 */
export function typeRefusal(contentType: string | undefined): PageRefusal | undefined {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/json' || type === 'application/json-rpc') return undefined;
  return { status: 415, reason: 'send JSON, with Content-Type: application/json' };
}
