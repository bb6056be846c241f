import type { DatagramConfig } from '../../config/settings.js';
import { messageOf } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import type { Service } from '../../core/service.js';
import { MiError } from '../mi/command.js';
import type { MiHandler } from '../mi/handler.js';
import { renderError } from '../mi/json-rpc.js';
import { parseFirstJson } from '../mi/json-scanner.js';
import { renderTextError } from '../mi/line-text.js';
import { type DatagramEndpoint, MAX_DATAGRAM, openDatagram } from './datagram-endpoint.js';

export interface MiDatagramOptions {
  readonly config: DatagramConfig;
  readonly handler: MiHandler;
  readonly logger: Logger;
}

/** Commands under way at once; further datagrams are dropped, and their senders ask again. */
const MAX_UNDER_WAY = 64;

/**
 * The datagram door: one request a packet in either form, answered to its sender, over UDP ("udp:host:port") or a UNIX
 * socket (a path). An answer too long for a datagram is replaced by an error that says so.
 */
export class MiDatagram implements Service {
  readonly name: string;
  private endpoint: DatagramEndpoint | undefined;
  private underWay = 0;

  constructor(private readonly options: MiDatagramOptions) {
    this.name = `mi datagram ${options.config.socketName}`;
  }

  /** Where it listens, "127.0.0.1:8080" or a path; undefined when it does not. */
  get address(): string | undefined {
    return this.endpoint?.address;
  }

  async start(): Promise<void> {
    const { socketName, unixMode } = this.options.config;
    this.endpoint = await openDatagram({
      socketName,
      unixMode,
      what: 'MI datagram socket',
      receive: (bytes, reply) => void this.receive(bytes, reply),
      onError: (error) => {
        this.options.logger.warn({ socket: socketName, err: error }, `MI datagram socket: ${error.message}`);
      },
    });
  }

  async stop(): Promise<void> {
    const { endpoint } = this;
    this.endpoint = undefined;
    await endpoint?.close();
  }

  private async receive(bytes: Buffer, reply: ((answer: Buffer) => void) | undefined): Promise<void> {
    const { handler } = this.options;
    if (this.underWay >= MAX_UNDER_WAY) {
      handler.refuse('datagram', 'busy', `a datagram is dropped: ${this.underWay} commands are under way`);
      return;
    }
    this.underWay++;
    try {
      const pieces = await handler.answer(bytes, 'datagram');
      if (pieces === undefined || reply === undefined || this.endpoint === undefined) return;
      // Characters are no more than bytes: what has too many need not be encoded.
      const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
      const answer = length > MAX_DATAGRAM ? undefined : Buffer.from(pieces.join(''), 'utf8');
      const fits = answer !== undefined && answer.length <= MAX_DATAGRAM;
      reply(fits ? answer : this.tooLong(bytes, answer?.length ?? length));
    } catch (error) {
      this.options.logger.error({ err: error }, `MI datagram could not be answered: ${messageOf(error)}`);
    } finally {
      this.underWay--;
    }
  }

  private tooLong(request: Buffer, length: number): Buffer {
    const why = `the answer of ${length} bytes does not fit into a datagram`;
    this.options.handler.refuse('datagram', 'answer-too-long', why);
    const error = new MiError(500, 'Answer too long', `${why}: ask for less or through the FIFO or HTTP`);
    if (request[0] === 58 /* : */) return Buffer.from(renderTextError(error, false));
    return Buffer.from(renderError(error, idOf(request)));
  }
}

function idOf(request: Buffer): string | number | null {
  const value = parseFirstJson(request.toString())?.value as { id?: unknown } | undefined;
  if (typeof value?.id === 'string') return value.id;
  return typeof value?.id === 'number' ? Math.trunc(value.id) : null;
}
