import type { IncomingHttpHeaders } from 'node:http';
import { hostname } from 'node:os';
import { isOwnHost, isSameOrigin } from '../core/web-origin.js';

/** Why a request that a web page of somebody else may have caused is refused. */
export interface PageRefusal {
  readonly status: 403 | 415;
  readonly reason: string;
}

const FOREIGN_HOST: PageRefusal = { status: 403, reason: 'the host is not one of ours: name it in "hosts" of "http"' };

/**
 * Keeps web pages of others from using what answers without a password, or with a cookie. A browser names the page's origin
 * and how it relates to us, and sends the host it believes to speak to: a name that an attacker lets point to our address
 * (DNS rebinding) is not one of ours.
 */
export class PageGuard {
  private readonly names: ReadonlySet<string>;

  /**
   * @param hosts names we are reached by, besides IP addresses, "localhost", the listener's and the machine's own name
   * @param secure whether the listener speaks TLS
   */
  constructor(
    hosts: readonly string[],
    private readonly secure: boolean,
  ) {
    this.names = new Set(['localhost', hostname(), ...hosts].map((each) => each.toLowerCase()));
  }

  /** Why a request is refused for the host name it was sent to; undefined when the name is ours. */
  hostRefusal({ host }: IncomingHttpHeaders): PageRefusal | undefined {
    return host === undefined || isOwnHost(host, this.names) ? undefined : FOREIGN_HOST;
  }

  /** Why a request with these headers is refused; undefined when it is taken. */
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
 * Why a POST is refused for what it says its body is: a page of another origin can send any other type without being asked
 * (Fetch standard, CORS-safelisted request-headers), JSON it cannot.
 */
export function typeRefusal(contentType: string | undefined): PageRefusal | undefined {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/json' || type === 'application/json-rpc') return undefined;
  return { status: 415, reason: 'send JSON, with Content-Type: application/json' };
}
