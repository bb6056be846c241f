/**
 * Types for the npm package `sip` 0.0.6 (it ships none): only the functions this project calls.
 * Import it as a namespace, `import * as sip from 'sip'`; the package is CommonJS and its names are found statically.
 *
 * Header names are lower case, compact forms already expanded. Strings are latin1: one code unit is one byte on the
 * wire. A header that the package fails to parse is left out silently, so each structured header may be absent.
 */
declare module 'sip' {
  /** Parameter name (lower case) to value; null when the parameter has none, as in `;lr`. */
  export type SipParams = Record<string, string | null | undefined>;

  export interface SipUri {
    schema?: string;
    user?: string | undefined;
    password?: string | undefined;
    host: string;
    /** NaN when the text had no port. */
    port?: number | undefined;
    params?: SipParams;
    headers?: Record<string, string>;
  }

  export interface SipNameAddress {
    name?: string | undefined;
    uri: string | SipUri;
    params: SipParams;
  }

  export interface SipVia {
    version?: string;
    protocol?: string;
    host?: string;
    port?: number | undefined;
    /** In a request received, rport holds the number of the port it came from. */
    params: SipParams;
  }

  /** One challenge or set of credentials: `scheme` and the parameters, quoted as on the wire. */
  export type SipAuthHeader = Record<string, string | undefined> & { scheme?: string };

  export interface SipHeaders {
    via?: SipVia[];
    from?: SipNameAddress;
    to?: SipNameAddress;
    contact?: SipNameAddress[] | '*';
    route?: SipNameAddress[];
    'record-route'?: SipNameAddress[];
    path?: SipNameAddress[];
    'call-id'?: string;
    cseq?: { seq: number; method: string };
    'content-length'?: number;
    'www-authenticate'?: SipAuthHeader[];
    'proxy-authenticate'?: SipAuthHeader[];
    authorization?: SipAuthHeader[];
    'proxy-authorization'?: SipAuthHeader[];
    /** Every other header: the text, repeated ones joined by a comma. */
    [name: string]: unknown;
  }

  export interface SipRequest {
    method: string;
    uri: string | SipUri;
    version?: string;
    headers: SipHeaders;
    content?: string | undefined;
    status?: undefined;
  }

  export interface SipResponse {
    status: number;
    reason: string;
    version?: string;
    headers: SipHeaders;
    content?: string | undefined;
    method?: undefined;
  }

  export type SipMessage = SipRequest | SipResponse;

  export interface SipRemote {
    protocol: string;
    address: string;
    port: number;
    local?: { address: string; port: number };
  }

  export interface SipStackOptions {
    /**
     * Address to bind, also the host in Via. The package itself answers 404 to a request sent to this
     * host, whatever the port.
     */
    address?: string;
    port?: number;
    udp?: boolean;
    tcp?: boolean;
    publicAddress?: string;
    /** False leaves `;rport` out of the Via of requests sent over UDP. */
    rport?: boolean;
    logger?: {
      send?(message: SipMessage, target: SipRemote): void;
      recv?(message: SipMessage, remote: SipRemote): void;
      error?(error: Error): void;
    };
  }

  export interface SipStack {
    /**
     * Sends a request in a new client transaction (`onResponse` may be called several times), or a reply in its server
     * transaction.
     */
    send(message: SipMessage, onResponse?: (response: SipResponse) => void): void;
    hostname(): string;
    destroy(): void;
  }

  /** Creates a stack on one port; a process may have several. Errors of bind are uncaught exceptions. */
  export function create(
    options: SipStackOptions,
    onRequest: (request: SipRequest, remote: SipRemote) => void,
  ): SipStack;
  /** The package's one process-wide stack; prefer {@link create}. */
  export function start(options: SipStackOptions, onRequest: (request: SipRequest, remote: SipRemote) => void): void;
  /** Parses a whole message; undefined when the start line or a header line is malformed. */
  export function parse(text: string | Uint8Array): SipMessage | undefined;
  /** Writes a message; sets Content-Length from `content` (characters counted as bytes). */
  export function stringify(message: SipMessage): string;
  /** Parses a SIP URI; undefined when it does not match, as no IPv6 host does. An object is returned as it is. */
  export function parseUri(uri: string | SipUri): SipUri | undefined;
  export function stringifyUri(uri: string | SipUri): string;
  export function parseAOR(cursor: { s: string; i: number }): SipNameAddress;
  export function makeResponse(
    request: SipRequest,
    status: number,
    reason?: string,
    extension?: { headers?: SipHeaders; content?: string },
  ): SipResponse;
  export function copyMessage<M extends SipMessage>(message: M, deep?: boolean): M;
  /** `z9hG4bK` and a random number below a million: not unique under load. */
  export function generateBranch(): string;
}

declare module 'sip/digest.js' {
  import type { SipRequest, SipResponse } from 'sip';

  /** State between a challenge and the requests signed for it. Empty at first. */
  export interface DigestContext {
    proxy?: boolean;
    realm?: string;
    nonce?: string;
    cnonce?: string;
    nc?: number;
    qop?: string;
    algorithm?: string;
    opaque?: string;
    user?: string;
    userhash?: string;
    ha1?: string;
    uri?: string;
    domain?: string;
  }

  export interface DigestCredentials {
    user: string;
    password?: string;
    realm?: string;
    /** MD5 of `user:realm:password`, in place of the password. */
    hash?: string;
  }

  /**
   * Adds credentials to `request` for the challenge in `response`; null when the challenge has no qop (nothing to
   * keep).
   */
  export function signRequest(
    context: DigestContext | undefined | null,
    request: SipRequest,
    response: SipResponse | undefined,
    credentials: DigestCredentials,
  ): DigestContext | null;
  /** Adds a challenge to a 401 or 407. */
  export function challenge(context: DigestContext, response: SipResponse): SipResponse;
  export function authenticateRequest(
    context: DigestContext,
    request: SipRequest,
    credentials: DigestCredentials,
  ): boolean;
  /** Undefined when the reply carries no Authentication-Info. */
  export function authenticateResponse(context: DigestContext, response: SipResponse): boolean | undefined;
  export function calculateUserRealmPasswordHash(user: string, realm: string, password: string): string;
}
