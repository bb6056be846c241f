import { SwitchyardError } from '../../core/errors.js';
import type { TransportName } from '../../core/uri.js';
import { TcpSocket } from './tcp.js';
import { type TlsOptions, TlsSocket } from './tls.js';
import type { Receiver, SipSocket } from './transport.js';
import { UdpSocket } from './udp.js';
import { WsSocket } from './ws.js';

/** What a socket is made from: a socket description of the configuration. */
export interface ListenOptions {
  readonly transport: TransportName;
  readonly host: string;
  readonly port: number;
  readonly advertise?: { readonly host: string; readonly port: number } | undefined;
  readonly text: string;
}

/** Makes the socket a description names. Not bound yet. Throws SwitchyardError TRANSPORT_BIND for what there is no transport for. */
export function createSipSocket(options: ListenOptions, receiver: Receiver, tls?: TlsOptions | undefined): SipSocket {
  const common = {
    address: options.host,
    port: options.port,
    advertise: options.advertise,
    description: `${options.transport}:${options.host.includes(':') ? `[${options.host}]` : options.host}:${options.port}`,
  };
  switch (options.transport) {
    case 'udp':
      return new UdpSocket(common, receiver);
    case 'tcp':
      return new TcpSocket(common, receiver);
    case 'tls':
      if (tls === undefined) {
        throw new SwitchyardError('TRANSPORT_BIND', `cannot listen on ${options.text}: "tls" names no certificate`);
      }
      return new TlsSocket(common, receiver, tls);
    case 'ws':
    case 'wss':
      return new WsSocket(options.transport, common, receiver, tls);
    default:
      throw new SwitchyardError(
        'TRANSPORT_BIND',
        `cannot listen on ${options.text}: no ${options.transport} transport here`,
      );
  }
}
