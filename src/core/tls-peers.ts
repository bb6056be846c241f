/** The certificate shown to servers, and the requirements on theirs. */
export interface TlsClient {
  /** "host:port" of the servers; empty: any. */
  readonly addresses: readonly string[];
  /** Their host names, with wildcards such as "*.example.com"; empty: any. */
  readonly serverNames: readonly string[];
  /** PEM file; undefined: that of the socket. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly ca: string | undefined;
  readonly verifyServer: boolean;
}

/**
 * A certificate with key (PEM files), the host names it is used for, and the requirements on clients that ask for one
 * of them.
 */
export interface TlsContext {
  /** Host names; the "*" in "*.example.com" matches exactly one label. */
  readonly serverNames: readonly string[];
  readonly cert: string;
  readonly key: string;
  /** PEM file with trusted authorities; undefined: that of the socket. */
  readonly ca?: string | undefined;
  /** Undefined: the requirement of the socket. */
  readonly verifyClient?: boolean | 'if_shown' | undefined;
}
