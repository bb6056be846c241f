/** How a client authenticates itself at a NATS server, and the files for TLS. Undefined: not used. */
export interface NatsLogin {
  readonly user: string | undefined;
  readonly pass: string | undefined;
  readonly token: string | undefined;
  readonly nkeySeed: string | undefined;
  readonly credsFile: string | undefined;
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined;
}
