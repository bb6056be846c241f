import type { Caller } from '../../access/caller.js';
import type { DatagramConfig } from '../../config/endpoint-settings.js';
import { messageOf } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import type { Service } from '../../core/service.js';
import { type DatagramSocket, MAX_DATAGRAM, openDatagram } from './datagram-socket.js';
import type { CallerFrom, DatagramProtocol } from './protocol.js';

/** Options of a datagram endpoint. */
export interface DatagramOptions {
  readonly config: Pick<DatagramConfig, 'socketName' | 'unixMode'>;
  readonly protocol: DatagramProtocol;
  readonly callerFrom: CallerFrom;
  readonly logger: Logger;
}

/**
 * Maximum number of requests in progress, and of one address; further ones are dropped, so that their senders repeat
 * them.
 */
const MAX_UNDER_WAY = 1024;
const MAX_OF_ONE = 256;

/**
 * A datagram endpoint, over UDP ("udp:host:port") or a UNIX socket (a path): each packet is one request, and the answer
 * goes to its sender.
 */
export class DatagramEndpoint implements Service {
  readonly name: string;
  private socket: DatagramSocket | undefined;
  private underWay = 0;
  private readonly underWayOf = new Map<string, number>();

  constructor(private readonly options: DatagramOptions) {
    this.name = `${options.protocol.what} ${options.config.socketName}`;
  }

  /** The address it listens on, "127.0.0.1:8080" or a path; undefined when it does not listen. */
  get address(): string | undefined {
    return this.socket?.address;
  }

  async start(): Promise<void> {
    const { config, protocol, logger } = this.options;
    const { what } = protocol;
    this.socket = await openDatagram({
      ...config,
      what,
      receive: (bytes, peer, reply) => this.receive(bytes, peer, reply),
      onError: (error) => logger.warn({ socket: config.socketName, err: error }, `${what}: ${error.message}`),
    });
  }

  async stop(): Promise<void> {
    const { socket } = this;
    this.socket = undefined;
    await socket?.close();
  }

  private receive(bytes: Buffer, peer: string, reply: ((answer: Buffer) => void) | undefined): void {
    const { protocol, callerFrom } = this.options;
    const caller = callerFrom(peer);
    if (caller === undefined) {
      protocol.refuse('address', `a datagram from ${peer.slice(0, 64)} is dropped: the address is not allowed`);
      return;
    }
    const ofPeer = this.underWayOf.get(peer) ?? 0;
    if (this.underWay >= MAX_UNDER_WAY || ofPeer >= MAX_OF_ONE) {
      protocol.refuse('busy', `a datagram is dropped: ${this.underWay} requests are under way`);
      return;
    }
    this.underWay++;
    this.underWayOf.set(peer, ofPeer + 1);
    void this.answer(bytes, caller, reply).finally(() => {
      this.underWay--;
      const left = (this.underWayOf.get(peer) ?? 1) - 1;
      if (left === 0) this.underWayOf.delete(peer);
      else this.underWayOf.set(peer, left);
    });
  }

  private async answer(bytes: Buffer, caller: Caller, reply: ((answer: Buffer) => void) | undefined): Promise<void> {
    const { protocol, logger } = this.options;
    try {
      const answer = await protocol.answer(bytes, caller, MAX_DATAGRAM);
      if (answer !== undefined && reply !== undefined && this.socket !== undefined) reply(answer);
    } catch (error) {
      logger.error({ err: error }, `${protocol.what}: a datagram could not be answered: ${messageOf(error)}`);
    }
  }
}
