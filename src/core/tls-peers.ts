/** What a server is shown, and what is demanded of it. */
export interface TlsClient {
  /** "host:port" of servers; empty: any. */
  readonly addresses: readonly string[];
  /** Host names they are found by, "*.example.com" too; empty: any. */
  readonly serverNames: readonly string[];
  /** PEM files; undefined: those of the socket. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly ca: string | undefined;
  readonly verifyServer: boolean;
}

/** A certificate with its key, PEM files, the host names it is for, and what is demanded of clients that ask for one of them. */
export interface TlsContext {
  /** Host names; the star in "*.example.com" matches exactly one label. */
  readonly serverNames: readonly string[];
  readonly cert: string;
  readonly key: string;
  /** PEM file with the authorities; undefined: those of the socket. */
  readonly ca?: string | undefined;
  /** Undefined: what the socket demands. */
  readonly verifyClient?: boolean | 'if_shown' | undefined;
}
