import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  checkServerIdentity,
  createSecureContext,
  createServer,
  type PeerCertificate,
  type SecureContext,
  type Server,
  type TLSSocket,
} from 'node:tls';
import {
  authoritiesOf,
  peerParts,
  protocolOf,
  type TlsClient,
  type TlsContext,
  type TlsProtocol,
} from '../../core/tls-peers.js';
import { peekServerName } from './client-hello.js';
import { serverNameOf, showsUntrusted } from './tls-facts.js';
import { readTlsFiles, type TlsFiles } from './tls-files.js';
import { causeOf, hostPort, type TransportError } from './transport.js';

/** Certificate files, and the requirements on the peer. */
export interface TlsOptions extends TlsProtocol {
  /**
   * PEM file with our certificate and its chain: shown to clients unless a context applies, and to servers that ask for
   * one.
   */
  readonly cert: string;
  readonly key: string;
  /** PEM file with trusted authorities; undefined: those built into Node. */
  readonly ca: string | undefined;
  /** Whether clients must show a certificate that we trust; "if_shown": they may show none. */
  readonly verifyClient: boolean | 'if_shown';
  /** Whether servers must show a certificate that we trust, for the name by which they were found. */
  readonly verifyServer: boolean;
  /** Other certificates, by the name a client asks for (SNI, RFC 6066 section 3). */
  readonly contexts?: readonly TlsContext[];
  /**
   * Certificates shown to servers, and requirements on theirs, instead of the above; the first matching entry is used.
   */
  readonly clients?: readonly TlsClient[];
}

/** The requirement on clients. */
type Demand = TlsOptions['verifyClient'];

/** The certificate for a name that clients ask for, and the requirement on them. */
interface Named {
  readonly context: SecureContext;
  readonly demand: Demand;
  /** Certificate for outgoing connections, where it differs from the socket's. */
  readonly own: Files | undefined;
}

/** Node's type declarations do not accept readonly lists. */
type Files = ReturnType<typeof filesOf>;

/** The certificates of a socket: read when it is created, and again when the files have changed. */
export class Certificates {
  /** Those without a name, as options for node:tls and node:https. */
  private files: Files;
  private named: ReadonlyMap<string, Named>;
  private clients: readonly (readonly [TlsClient, Files])[];

  /** Throws SwitchyardError TRANSPORT_BIND naming the file that is missing or wrong. */
  constructor(private readonly options: TlsOptions) {
    this.files = filesOf(options, options.ca, options);
    this.named = readContexts(options);
    this.clients = readClients(options);
  }

  /** Reads all files again and returns the function that activates them. Throws as the constructor does. */
  reload(): () => void {
    const files = filesOf(this.options, this.options.ca, this.options);
    const named = readContexts(this.options);
    const clients = readClients(this.options);
    return () => {
      this.files = files;
      this.named = named;
      this.clients = clients;
    };
  }

  /** The argument for setSecureContext after the files were read again. */
  get context() {
    return {
      ...this.files,
      ...(this.byName() ? NO_TICKET : {}),
    };
  }

  /**
   * Options for a listener; it gets `context` when the files have changed. If names have requirements of their own,
   * every client is asked for its certificate, `guard` decides when the name is known, and sessions begun for another
   * name are not resumed.
   */
  get server() {
    const { verifyClient, contexts = [] } = this.options;
    const byName = this.byName();
    const asked = contexts.some(({ ca, verifyClient: own = false }) => ca !== undefined || own !== false);
    return {
      ...this.context,
      requestCert: asked || verifyClient !== false,
      rejectUnauthorized: !byName && verifyClient === true,
      SNICallback: (name: string, done: (error: Error | null, context?: SecureContext) => void): void =>
        done(null, this.find(name)?.context),
    };
  }

  /**
   * Ends connections to a listener with these options whose peers do not meet the requirements. `handshakeMs`: maximum
   * milliseconds of a handshake.
   */
  guard(server: Server, handshakeMs: number): void {
    if ((this.options.contexts ?? []).some(isOwnProtocol)) this.takeByName(server, handshakeMs);
    if (this.options.verifyClient !== 'if_shown' && !this.byName()) return;
    server.prependListener('secureConnection', (socket: TLSSocket) => {
      const name = serverNameOf(socket);
      const demand = (name === undefined ? undefined : this.find(name)?.demand) ?? this.options.verifyClient;
      const shown = socket.getPeerX509Certificate() !== undefined;
      if (demand === true ? !shown || !socket.authorized : demand === 'if_shown' && showsUntrusted(socket))
        socket.destroy();
    });
  }

  /**
   * Reads the name a client asks for before the handshake begins: when SNICallback is called, version, ciphers, curves
   * and Diffie-Hellman parameters are already those of the socket.
   */
  private takeByName(server: Server, handshakeMs: number): void {
    /** By name. When files are read again, the new options replace the entry. */
    const servers = new WeakMap<Named, Server>();
    const serverOf = (named: Named & { readonly own: Files }): Server => {
      const requestCert = named.demand !== false;
      const made = createServer({
        ...named.own,
        ...NO_TICKET,
        requestCert,
        rejectUnauthorized: false,
        handshakeTimeout: handshakeMs,
      });
      made.on('secureConnection', (socket) => server.emit('secureConnection', socket));
      made.on('tlsClientError', (error, socket) => server.emit('tlsClientError', error, socket));
      servers.set(named, made);
      return made;
    };
    const usual = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) =>
      peekServerName(socket, handshakeMs, (name) => {
        const named = name === undefined ? undefined : this.find(name);
        if (named !== undefined && hasOwn(named)) (servers.get(named) ?? serverOf(named)).emit('connection', socket);
        else for (const each of usual) each.call(server, socket);
      }),
    );
  }

  /** Whether clients that ask for some name have other requirements than the rest. */
  private byName(): boolean {
    return (this.options.contexts ?? []).some(
      (each) => each.ca !== undefined || each.verifyClient !== undefined || isOwnProtocol(each),
    );
  }

  /**
   * Options for a connection to a server, which was found by a host name or only by its address. `peer` may also name
   * the TLS domain (`withTlsDomain`). Throws when there is no such domain.
   */
  client(peer: string | undefined, address: string, port: number) {
    const at = hostPort(address, port);
    const { serverName, domain } = peerParts(peer);
    const own = this.clients.find(([client]) =>
      domain === undefined ? fits(client, at, serverName?.toLowerCase()) : client.name === domain,
    );
    if (domain !== undefined && own === undefined) throw new Error(`no TLS client domain "${domain}"`);
    return {
      ...(own?.[1] ?? this.files),
      ...(serverName === undefined ? {} : { servername: serverName }),
      rejectUnauthorized: own?.[0].verifyServer ?? this.options.verifyServer,
      checkServerIdentity: checkSipIdentity,
    };
  }

  /** The entry for a name that a client asked for; undefined: the certificate of the socket is used. */
  private find(serverName: string): Named | undefined {
    const name = serverName.toLowerCase();
    return this.named.get(name) ?? this.named.get(name.replace(/^[^.]+/, '*'));
  }
}

const NO_TICKET = { secureOptions: constants.SSL_OP_NO_TICKET };

function isOwnProtocol(context: TlsContext): boolean {
  return Object.keys(protocolOf(context)).length > 0;
}

function hasOwn(named: Named): named is Named & { readonly own: Files } {
  return named.own !== undefined;
}

function fits({ addresses, serverNames }: TlsClient, at: string, name: string | undefined): boolean {
  if (addresses.length > 0 && !addresses.includes(at)) return false;
  if (serverNames.length === 0) return true;
  return name !== undefined && (serverNames.includes(name) || serverNames.includes(name.replace(/^[^.]+/, '*')));
}

function readClients(options: TlsOptions): (readonly [TlsClient, Files])[] {
  return (options.clients ?? []).map((each) => {
    const pair = { cert: each.cert ?? options.cert, key: each.key ?? options.key };
    return [each, filesOf(pair, authoritiesOf(each, options), each)] as const;
  });
}

function readContexts(options: TlsOptions): ReadonlyMap<string, Named> {
  const named = new Map<string, Named>();
  for (const each of options.contexts ?? []) {
    const { serverNames, verifyClient } = each;
    const files = filesOf(each, authoritiesOf(each, options), protocolOf(each, options));
    const context = createSecureContext(files);
    const own = isOwnProtocol(each) ? files : undefined;
    const entry = { context, demand: verifyClient ?? options.verifyClient, own };
    for (const name of serverNames) named.set(name.toLowerCase(), entry);
  }
  return named;
}

function filesOf(
  paths: { readonly cert: string; readonly key: string },
  ca: string | undefined,
  protocol: TlsProtocol,
) {
  const { ca: trusted, crl, ...files }: TlsFiles = readTlsFiles(paths, ca, protocol);
  return {
    ...files,
    ...(trusted === undefined ? {} : { ca: [...trusted] }),
    ...(crl === undefined ? {} : { crl: [...crl] }),
  };
}

/** RFC 5922 section 7.1: the certificate must have the SIP domain as a URI "sip:domain", or else as DNS name. */
export function checkSipIdentity(host: string, certificate: PeerCertificate): Error | undefined {
  const uris = (certificate.subjectaltname ?? '').split(', ').filter((each) => each.startsWith('URI:sip'));
  const wanted = host.toLowerCase();
  if (uris.some((each) => /^URI:sips?:([^@;?:]+)$/i.exec(each)?.[1]?.toLowerCase() === wanted)) return undefined;
  return checkServerIdentity(host, certificate);
}

/** The cause word for an error of a TLS connection. */
export function tlsCauseOf(error: Error): TransportError['cause'] {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return TLS_CODES.test(code) ? 'tls' : causeOf(error);
}

/** Error codes of Node and OpenSSL, and OpenSSL's reasons for refusing a certificate. */
const TLS_CODES =
  /^ERR_(TLS|SSL|OSSL)|^EPROTO|CERT|CRL|SELF_SIGNED|UNABLE_TO|^INVALID_(CA|PURPOSE)|^PATH_LENGTH|^HOSTNAME_MISMATCH/;
