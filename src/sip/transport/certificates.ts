import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type Server,
  type TLSSocket,
} from 'node:tls';
import { messageOf, SwitchyardError, unreadableReason } from '../../core/errors.js';
import type { TlsClient, TlsContext } from '../../core/tls-peers.js';
import { serverNameOf, showsUntrusted } from './tls-facts.js';
import { causeOf, hostPort, type TransportError } from './transport.js';

/** Certificate files, and the requirements on the peer. */
export interface TlsOptions {
  /** PEM file with our certificate and its chain: shown unless a context fits, and to servers that ask for one. */
  readonly cert: string;
  readonly key: string;
  /** PEM file with the trusted authorities; undefined: those included in Node. */
  readonly ca: string | undefined;
  /** Peers that connect must show a certificate we trust; "if_shown": they may show none. */
  readonly verifyClient: boolean | 'if_shown';
  /** Servers we connect to must show a certificate we trust, for the name they were found by. */
  readonly verifyServer: boolean;
  /** Other certificates, by the name a client asks for (SNI, RFC 6066 section 3). */
  readonly contexts?: readonly TlsContext[];
  /** What is shown to servers and demanded of them, in place of the above: the first that fits. */
  readonly clients?: readonly TlsClient[];
}

/** What is demanded of clients. */
type Demand = TlsOptions['verifyClient'];

/** What is shown to clients that ask for a name, and demanded of them. */
interface Named {
  readonly context: SecureContext;
  readonly demand: Demand;
}

interface Files {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
}

/** The certificates of a socket: read when it is made, and again when the files have changed. */
export class Certificates {
  /** The ones without a name, as options for node:tls and node:https. */
  private files: Files;
  private named: ReadonlyMap<string, Named>;
  private clients: readonly (readonly [TlsClient, Files])[];

  /** Throws SwitchyardError TRANSPORT_BIND naming the file that is missing or wrong. */
  constructor(private readonly options: TlsOptions) {
    this.files = readFiles(options, options.ca);
    this.named = readContexts(options);
    this.clients = readClients(options);
  }

  /** Reads all files again and returns the function that activates them. Throws as the constructor does. */
  reload(): () => void {
    const files = readFiles(this.options, this.options.ca);
    const named = readContexts(this.options);
    const clients = readClients(this.options);
    return () => {
      this.files = files;
      this.named = named;
      this.clients = clients;
    };
  }

  /** What a listener gets by setSecureContext after the files are read again. */
  get context() {
    return { ...this.files, ...(this.byName() ? { secureOptions: constants.SSL_OP_NO_TICKET } : {}) };
  }

  /**
   * Options for a listener, which gets `context` when the files have changed. Where names have demands of their own, every
   * client is asked for its certificate, `guard` decides when the name is known, and no session is resumed that was begun for another name.
   */
  get server() {
    const { verifyClient } = this.options;
    const byName = this.byName();
    return {
      ...this.context,
      requestCert: byName || verifyClient !== false,
      rejectUnauthorized: !byName && verifyClient === true,
      SNICallback: (name: string, done: (error: Error | null, context?: SecureContext) => void): void =>
        done(null, this.find(name)?.context),
    };
  }

  /** Ends connections to a listener with these options whose peers do not show what is demanded of them. */
  guard(server: Server): void {
    if (this.options.verifyClient !== 'if_shown' && !this.byName()) return;
    server.prependListener('secureConnection', (socket: TLSSocket) => {
      const name = serverNameOf(socket);
      const demand = (name === undefined ? undefined : this.find(name)?.demand) ?? this.options.verifyClient;
      const shown = socket.getPeerX509Certificate() !== undefined;
      if (demand === true ? !shown || !socket.authorized : demand === 'if_shown' && showsUntrusted(socket))
        socket.destroy();
    });
  }

  /** Whether clients that ask for some name have to show something else than others. */
  private byName(): boolean {
    return (this.options.contexts ?? []).some(({ ca, verifyClient }) => ca !== undefined || verifyClient !== undefined);
  }

  /** Options for a connection to a server at an address that was found by a name, or by its address alone. */
  client(serverName: string | undefined, address: string, port: number) {
    const at = hostPort(address, port);
    const own = this.clients.find(([client]) => fits(client, at, serverName?.toLowerCase()));
    return {
      ...(own?.[1] ?? this.files),
      ...(serverName === undefined ? {} : { servername: serverName }),
      rejectUnauthorized: own?.[0].verifyServer ?? this.options.verifyServer,
      checkServerIdentity: checkSipIdentity,
    };
  }

  /** What is there for a name a client asked for; undefined where that of the socket counts. */
  private find(serverName: string): Named | undefined {
    const name = serverName.toLowerCase();
    return this.named.get(name) ?? this.named.get(name.replace(/^[^.]+/, '*'));
  }
}

function fits({ addresses, serverNames }: TlsClient, at: string, name: string | undefined): boolean {
  if (addresses.length > 0 && !addresses.includes(at)) return false;
  if (serverNames.length === 0) return true;
  return name !== undefined && (serverNames.includes(name) || serverNames.includes(name.replace(/^[^.]+/, '*')));
}

function readClients(options: TlsOptions): (readonly [TlsClient, Files])[] {
  return (options.clients ?? []).map((each) => {
    const files = { cert: each.cert ?? options.cert, key: each.key ?? options.key };
    return [each, readFiles(files, each.ca ?? options.ca)] as const;
  });
}

function readContexts(options: TlsOptions): ReadonlyMap<string, Named> {
  const named = new Map<string, Named>();
  for (const { serverNames, cert, key, ca, verifyClient } of options.contexts ?? []) {
    const context = createSecureContext(readFiles({ cert, key }, ca ?? options.ca));
    for (const name of serverNames)
      named.set(name.toLowerCase(), { context, demand: verifyClient ?? options.verifyClient });
  }
  return named;
}

function readFiles(paths: { readonly cert: string; readonly key: string }, ca: string | undefined): Files {
  const files = {
    cert: readPem(paths.cert, 'certificate'),
    key: readPem(paths.key, 'private key'),
    ...(ca === undefined ? {} : { ca: readPem(ca, 'certificate authorities') }),
  };
  try {
    createSecureContext(files);
  } catch (error) {
    const why = `certificate ${paths.cert} and private key ${paths.key} cannot be used: ${messageOf(error)}`;
    throw new SwitchyardError('TRANSPORT_BIND', why, { cause: error });
  }
  return files;
}

function readPem(path: string, what: string): Buffer {
  let data: Buffer;
  try {
    data = readFileSync(path);
  } catch (error) {
    throw new SwitchyardError('TRANSPORT_BIND', `${what}: cannot read ${path}: ${unreadableReason(error)}`, {
      cause: error,
    });
  }
  if (!data.includes('-----BEGIN ')) {
    throw new SwitchyardError('TRANSPORT_BIND', `${what}: ${path} is not a PEM file`);
  }
  return data;
}

/** RFC 5922 section 7.1: the certificate holds the SIP domain as a URI "sip:domain", else as its DNS name. */
function checkSipIdentity(host: string, certificate: PeerCertificate): Error | undefined {
  const uris = (certificate.subjectaltname ?? '').split(', ').filter((each) => each.startsWith('URI:sip'));
  const wanted = host.toLowerCase();
  if (uris.some((each) => /^URI:sips?:([^@;?:]+)$/i.exec(each)?.[1]?.toLowerCase() === wanted)) return undefined;
  return checkServerIdentity(host, certificate);
}

/** The word for an error of a connection under TLS. */
export function tlsCauseOf(error: Error): TransportError['cause'] {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return TLS_CODES.test(code) ? 'tls' : causeOf(error);
}

/** Node's own codes, OpenSSL's, and OpenSSL's reasons for refusing a certificate. */
const TLS_CODES =
  /^ERR_(TLS|SSL|OSSL)|^EPROTO|CERT|CRL|SELF_SIGNED|UNABLE_TO|^INVALID_(CA|PURPOSE)|^PATH_LENGTH|^HOSTNAME_MISMATCH/;
