import type { TransportName } from '../../core/uri.js';
import type { ListenOptions } from './create.js';
import { hostPort, type SipSocket, sentByOf } from './transport.js';

/** A socket that is never opened: sent messages go to the callback `unsent`, and nothing is received. */
export class UnopenedSocket implements SipSocket {
  readonly transport: TransportName;
  readonly reliable: boolean;
  readonly family: 4 | 6;
  readonly address: string;
  readonly port: number;
  readonly sentBy: string;
  readonly description: string;

  constructor(
    options: ListenOptions,
    private readonly unsent: (text: string, address: string, port: number) => void,
  ) {
    this.transport = options.transport;
    this.reliable = options.transport !== 'udp';
    this.address = options.host;
    this.family = options.host.includes(':') ? 6 : 4;
    this.port = options.port;
    this.sentBy = sentByOf({ address: options.host, port: options.port }, options.advertise);
    this.description = `${options.transport}:${hostPort(options.host, options.port)}`;
  }

  send(text: string, address: string, port: number): void {
    this.unsent(text, address, port);
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}
}
