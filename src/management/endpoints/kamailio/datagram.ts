import { messageOf } from '../../../core/errors.js';
import type { Logger } from '../../../core/logger.js';
import type { Service } from '../../../core/service.js';
import { readPacket } from '../../rpc/binrpc-decode.js';
import { encodeFault } from '../../rpc/binrpc-encode.js';
import type { RpcCall } from '../../rpc/command.js';
import { renderJsonError } from '../../rpc/json-text.js';
import type { RpcService } from '../../rpc/service.js';
import { type DatagramEndpoint, MAX_DATAGRAM, openDatagram } from '../datagram-endpoint.js';

export interface RpcDatagramOptions {
  /** "udp:host:port" or an absolute path of a UNIX socket. */
  readonly socketName: string;
  readonly unixMode: number;
  readonly service: RpcService;
  readonly call: RpcCall;
  readonly logger: Logger;
}

/** Requests under way at once; further datagrams are dropped, and their senders ask again. */
const MAX_UNDER_WAY = 64;

/** A datagram door: one request a packet, BINRPC where it is ctl's, else JSON-RPC; the answer goes back to the sender. */
export class RpcDatagram implements Service {
  readonly name: string;
  private endpoint: DatagramEndpoint | undefined;
  private underWay = 0;

  constructor(private readonly options: RpcDatagramOptions) {
    this.name = `${options.call.door} ${options.socketName}`;
  }

  /** "127.0.0.1:2049" or a path; undefined when it does not listen. */
  get address(): string | undefined {
    return this.endpoint?.address;
  }

  async start(): Promise<void> {
    const { socketName, unixMode, call, logger } = this.options;
    const what = `${call.door === 'ctl' ? 'ctl' : 'JSON-RPC'} socket`;
    this.endpoint = await openDatagram({
      socketName,
      unixMode,
      what,
      receive: (bytes, reply) => void this.receive(bytes, reply),
      onError: (error) => logger.warn({ socket: socketName, err: error }, `${what}: ${error.message}`),
    });
  }

  async stop(): Promise<void> {
    const { endpoint } = this;
    this.endpoint = undefined;
    await endpoint?.close();
  }

  private async receive(bytes: Buffer, reply: ((answer: Buffer) => void) | undefined): Promise<void> {
    const { service, call, logger } = this.options;
    if (this.underWay >= MAX_UNDER_WAY) {
      service.refuse(call.door, 'busy', `a datagram is dropped: ${this.underWay} requests are under way`);
      return;
    }
    this.underWay++;
    try {
      const answer = call.door === 'ctl' ? await this.packet(bytes) : await this.text(bytes);
      if (answer !== undefined && reply !== undefined && this.endpoint !== undefined) reply(answer);
    } catch (error) {
      logger.error({ err: error }, `an RPC datagram could not be answered: ${messageOf(error)}`);
    } finally {
      this.underWay--;
    }
  }

  private async packet(bytes: Buffer): Promise<Buffer | undefined> {
    const { service, call } = this.options;
    const read = readPacket(bytes);
    const packet = read.kind === 'more' ? ({ kind: 'bad', reason: 'it is not whole', cookie: 0 } as const) : read;
    const answer = (await service.answerPacket(packet, call)).bytes;
    if (answer.length <= MAX_DATAGRAM) return answer;
    return encodeFault(packet.cookie, 500, this.tooLong(answer.length));
  }

  private async text(bytes: Buffer): Promise<Buffer | undefined> {
    const { service, call } = this.options;
    const pieces = await service.answerJson(bytes.toString(), call);
    if (pieces === undefined) return undefined;
    const answer = Buffer.from(pieces.join(''), 'utf8');
    if (answer.length <= MAX_DATAGRAM) return answer;
    return Buffer.from(renderJsonError(500, this.tooLong(answer.length), undefined));
  }

  private tooLong(length: number): string {
    const { service, call } = this.options;
    service.refuse(call.door, 'answer-too-long', `the answer of ${length} bytes does not fit into a datagram`);
    return `The answer of ${length} bytes does not fit into a datagram: ask over a stream`;
  }
}
