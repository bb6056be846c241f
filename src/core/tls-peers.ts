/** Versions of the protocol, as Node names them. */
export const TLS_VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;

/** A version of the protocol. */
export type TlsVersion = (typeof TLS_VERSIONS)[number];

/** Requirements on a connection, and the certificate authorities and revocation lists to use. */
export interface TlsProtocol {
  /** Undefined: TLS 1.2, or the highest one allowed if that is lower. */
  readonly minVersion?: TlsVersion | undefined;
  readonly maxVersion?: TlsVersion | undefined;
  /** Ciphers as OpenSSL writes them; they leave those of TLS 1.3 alone unless they name some. */
  readonly ciphers?: string | undefined;
  /** Curves for the exchange of keys, "P-256:X25519" for instance. */
  readonly ecdhCurve?: string | undefined;
  /** PEM file with the parameters of Diffie-Hellman; undefined or "none": no ciphers that need them. */
  readonly dhParams?: string | undefined;
  /**
   * PEM file with revocation lists, or a folder with such files; undefined or "none": nobody looks whether a
   * certificate is revoked.
   */
  readonly crl?: string | undefined;
  /**
   * Folder with authorities by their hash (openssl rehash), besides those of the file; undefined or "none": no folder.
   */
  readonly caDir?: string | undefined;
}

/** The certificate shown to servers, and the requirements on theirs. */
export interface TlsClient extends TlsProtocol {
  /** The name a script chooses it by. */
  readonly name?: string | undefined;
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
export interface TlsContext extends TlsProtocol {
  /** Host names; the "*" in "*.example.com" matches exactly one label. */
  readonly serverNames: readonly string[];
  readonly cert: string;
  readonly key: string;
  /** PEM file with trusted authorities; undefined: that of the socket. */
  readonly ca?: string | undefined;
  /** Undefined: the requirement of the socket. */
  readonly verifyClient?: boolean | 'if_shown' | undefined;
}

const PROTOCOL_KEYS = ['minVersion', 'maxVersion', 'ciphers', 'ecdhCurve', 'dhParams', 'crl', 'caDir'] as const;

type Authorities = TlsProtocol & { readonly ca?: string | undefined };

/**
 * Requirements from `own`, or from `common` where `own` has none. A folder of authorities in `common` is not added to a
 * file of `own`.
 */
export function protocolOf(own: Authorities, common: TlsProtocol = {}): TlsProtocol {
  const found: [string, string][] = [];
  for (const key of PROTOCOL_KEYS) {
    const value = own[key] ?? (key === 'caDir' && own.ca !== undefined ? undefined : common[key]);
    if (value !== undefined) found.push([key, value]);
  }
  return Object.fromEntries(found);
}

/** The file with authorities: that of `own`; else the common one, unless `own` has a folder with them. */
export function authoritiesOf(own: Authorities, common: Authorities): string | undefined {
  return own.ca ?? ((own.caDir ?? 'none') === 'none' ? common.ca : undefined);
}

/**
 * What sockets get as the server to connect to: the name its certificate has to be for, with the TLS domain that a
 * script has chosen after a blank, which no host name has.
 */
export function withTlsDomain(serverName: string | undefined, domain: string): string {
  return `${serverName ?? ''} ${domain}`;
}

/** The parts of what `withTlsDomain` has made, or of a name alone. */
export function peerParts(peer: string | undefined): {
  readonly serverName: string | undefined;
  readonly domain: string | undefined;
} {
  const blank = peer === undefined ? -1 : peer.indexOf(' ');
  if (peer === undefined || blank < 0) return { serverName: peer, domain: undefined };
  return { serverName: peer.slice(0, blank) || undefined, domain: peer.slice(blank + 1) };
}
