import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { SwitchyardError } from '../../core/errors.js';
import type { TransportName } from '../../core/uri.js';
import type { StreamOptions } from './bind.js';
import type { TlsOptions } from './certificates.js';
import type { DatagramQueue } from './datagram-queue.js';
import type { Opening } from './native/datagrams.js';
import type { Libc } from './native/libc.js';
import { StreamSocket, TcpSocket } from './tcp.js';
import { TlsSocket } from './tls.js';
import { hostPort, type Receiver, type SipSocket } from './transport.js';
import { UdpSocket } from './udp.js';
import { type OriginRule, WsSocket } from './ws.js';

/** Options of a socket, from its description in the configuration. */
export interface ListenOptions {
  readonly transport: TransportName;
  readonly host: string;
  readonly port: number;
  readonly advertise?: { readonly host: string; readonly port: number } | undefined;
  /** Origins of web pages that may open a WebSocket. Default: the same origin. */
  readonly origins?: OriginRule | undefined;
  readonly text: string;
}

/**
 * Creates the socket of a description; it is not bound yet. Throws SwitchyardError TRANSPORT_BIND for an unsupported
 * transport and for unusable certificates.
 */
export function createSipSocket(
  options: ListenOptions,
  receiver: Receiver,
  tls?: TlsOptions | undefined,
  bounds: Pick<StreamOptions, 'maxConnections' | 'connectMs' | 'unfinished'> = {},
  queue?: DatagramQueue,
  libc?: () => Promise<Libc | undefined>,
  opening?: Opening | undefined,
): SipSocket {
  const host = addressOf(options);
  const common = {
    address: host,
    port: options.port,
    advertise: options.advertise,
    description: `${options.transport}:${hostPort(host, options.port)}`,
    ...bounds,
  };
  switch (options.transport) {
    case 'udp':
      return new UdpSocket({ ...common, libc, opening }, receiver, queue);
    case 'tcp':
      return new TcpSocket(common, receiver);
    case 'tls':
      if (tls === undefined) {
        throw new SwitchyardError('TRANSPORT_BIND', `cannot listen on ${options.text}: "tls" names no certificate`);
      }
      return new TlsSocket(common, receiver, tls);
    case 'ws':
    case 'wss':
      return new WsSocket(options.transport, { ...common, origins: options.origins }, receiver, tls);
    default:
      throw new SwitchyardError(
        'TRANSPORT_BIND',
        `cannot listen on ${options.text}: no ${options.transport} transport here`,
      );
  }
}

/** Lets a WebSocket listener at the address and port of a TCP or TLS socket use that socket. Port 0 is never shared. */
export function sharePorts(sockets: readonly SipSocket[]): void {
  for (const socket of sockets) {
    if (!(socket instanceof WsSocket) || socket.port === 0) continue;
    const stream = sockets.find(
      (each): each is StreamSocket =>
        each instanceof StreamSocket &&
        each.transport === (socket.transport === 'ws' ? 'tcp' : 'tls') &&
        each.address === socket.address &&
        each.port === socket.port,
    );
    if (stream !== undefined) socket.share(stream);
  }
}

/** The order in which to open sockets: those that use the port of another one come after it. */
export function inOpeningOrder(sockets: readonly SipSocket[]): SipSocket[] {
  const shares = (socket: SipSocket): boolean => socket instanceof WsSocket && socket.sharesPort;
  return [...sockets.filter((each) => !shares(each)), ...sockets.filter(shares)];
}

/** The address to bind: the one configured, that of the named interface, or that of localhost. */
function addressOf({ host, text }: ListenOptions): string {
  if (isIP(host) !== 0) return host;
  const found = networkInterfaces()[host]?.find((each) => !each.internal || host.startsWith('lo'));
  if (found !== undefined) return found.address;
  if (host.toLowerCase() === 'localhost') return '127.0.0.1';
  throw new SwitchyardError(
    'TRANSPORT_BIND',
    `cannot listen on ${text}: "${host}" is neither an address nor an interface`,
  );
}
