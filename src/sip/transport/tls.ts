import { readFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { createSecureContext, createServer, type Server as TlsServer, connect as tlsConnect } from 'node:tls';
import { messageOf, SwitchyardError } from '../../core/errors.js';
import { type StreamOptions, StreamSocket } from './tcp.js';
import type { Receiver, TransportError } from './transport.js';
import { causeOf } from './udp.js';

/** Certificate files and what is demanded of the other side. */
export interface TlsOptions {
  /** PEM file with our certificate and its chain. */
  readonly cert: string;
  readonly key: string;
  /** PEM file with the authorities that are trusted; undefined: the system's. */
  readonly ca: string | undefined;
  /** Peers that connect must show a certificate we trust. */
  readonly verifyClient: boolean;
  /** Servers we connect to must show a certificate we trust, for the name they were found by. */
  readonly verifyServer: boolean;
}

/** The files of TlsOptions, read. Throws SwitchyardError TRANSPORT_BIND naming the file that is missing or wrong. */
export function readCertificates(options: TlsOptions): { cert: Buffer; key: Buffer; ca?: Buffer } {
  const read = (path: string): Buffer => {
    try {
      return readFileSync(path);
    } catch (error) {
      throw new SwitchyardError('TRANSPORT_BIND', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
    }
  };
  const files = {
    cert: read(options.cert),
    key: read(options.key),
    ...(options.ca === undefined ? {} : { ca: read(options.ca) }),
  };
  try {
    createSecureContext(files);
  } catch (error) {
    throw new SwitchyardError(
      'TRANSPORT_BIND',
      `certificate ${options.cert} and key ${options.key} cannot be used: ${messageOf(error)}`,
      { cause: error },
    );
  }
  return files;
}

/** SIP over TLS (RFC 3261 section 26.2.1, RFC 5922 for names). */
export class TlsSocket extends StreamSocket {
  readonly transport = 'tls' as const;
  private files: ReturnType<typeof readCertificates>;
  private tlsServer: TlsServer | undefined;

  constructor(
    options: StreamOptions,
    receiver: Receiver,
    private readonly tls: TlsOptions,
  ) {
    super(options, receiver);
    this.files = readCertificates(tls);
  }

  /** Takes the certificate files anew: connections made from now on use them. Throws SwitchyardError; the old ones then stay. */
  reloadCertificates(): void {
    this.files = readCertificates(this.tls);
    this.tlsServer?.setSecureContext(this.files);
  }

  override causeOf(error: Error): TransportError['cause'] {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    return /^ERR_(TLS|SSL)|^EPROTO|CERT|SELF_SIGNED|UNABLE_TO/.test(code) ? 'tls' : causeOf(error);
  }

  protected listen(accept: (socket: Socket) => void): Server {
    const { verifyClient } = this.tls;
    const server = createServer(
      { ...this.files, requestCert: verifyClient, rejectUnauthorized: verifyClient, handshakeTimeout: this.connectMs },
      accept,
    );
    // A failed handshake is that peer's affair; its socket is destroyed by the server.
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    this.tlsServer = server;
    return server;
  }

  protected connect(address: string, port: number, serverName: string | undefined, ready: () => void): Socket {
    return tlsConnect(
      {
        host: address,
        port,
        ...this.files,
        ...(serverName === undefined ? {} : { servername: serverName }),
        rejectUnauthorized: this.tls.verifyServer,
      },
      ready,
    );
  }
}
