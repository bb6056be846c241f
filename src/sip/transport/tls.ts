import type { Server, Socket } from 'node:net';
import { createServer, type TLSSocket, type Server as TlsServer, connect as tlsConnect } from 'node:tls';
import type { StreamOptions } from './bind.js';
import { Certificates, checkSipIdentity, type TlsOptions, tlsCauseOf } from './certificates.js';
import { StreamSocket } from './tcp.js';
import type { Receiver, TransportError } from './transport.js';

/** SIP over TLS (RFC 3261 section 26.2.1, RFC 5922 for names). */
export class TlsSocket extends StreamSocket {
  readonly transport = 'tls' as const;
  private readonly certificates: Certificates;
  private tlsServer: TlsServer | undefined = undefined;
  /** What `trusted` has found for connections: reading a certificate takes about as long as relaying a request. */
  private readonly identified = new WeakMap<Socket, boolean>();

  constructor(options: StreamOptions, receiver: Receiver, tls: TlsOptions) {
    super(options, receiver);
    this.certificates = new Certificates(tls);
  }

  reloadCertificates(): () => void {
    const renew = this.certificates.reload();
    return () => {
      renew();
      this.tlsServer?.setSecureContext(this.certificates.context);
    };
  }

  override causeOf(error: Error): TransportError['cause'] {
    return tlsCauseOf(error);
  }

  protected listen(accept: (socket: Socket) => void): Server {
    const { handshakeMs = 5000 } = this.options;
    const server = createServer({ ...this.certificates.server, handshakeTimeout: handshakeMs }, accept);
    // A failed handshake affects that peer only; no state remains of it.
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    this.certificates.guard(server, handshakeMs);
    this.tlsServer = server;
    return server;
  }

  protected connect(address: string, port: number, serverName: string | undefined, ready: () => void): Socket {
    return tlsConnect({ host: address, port, ...this.certificates.client(serverName, address, port) }, ready);
  }

  /** A connection made for one name has verified the certificate of that name only. */
  protected key(address: string, port: number, serverName: string | undefined): string {
    return serverName === undefined ? `${address}|${port}` : `${address}|${port}|${serverName.toLowerCase()}`;
  }

  protected trusted(socket: Socket, address: string): boolean {
    let isTrusted = this.identified.get(socket);
    if (isTrusted === undefined) {
      const { authorized } = socket as TLSSocket;
      // As for a connection of our own to that address: another peer could have a certificate of the same authority.
      isTrusted = authorized && checkSipIdentity(address, (socket as TLSSocket).getPeerCertificate()) === undefined;
      this.identified.set(socket, isTrusted);
    }
    return isTrusted;
  }
}
