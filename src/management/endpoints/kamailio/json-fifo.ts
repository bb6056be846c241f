import type { FifoConfig } from '../../../config/settings.js';
import type { Clock } from '../../../core/clock.js';
import type { Logger } from '../../../core/logger.js';
import type { Service } from '../../../core/service.js';
import { parseFirstJson } from '../../mi/json-scanner.js';
import type { RpcCall } from '../../rpc/command.js';
import type { RpcService } from '../../rpc/service.js';
import { FifoDoor } from '../fifo-door.js';
import { ReplyFifos } from '../reply-fifo.js';
import { JsonStream, type StreamItem } from './json-stream.js';

export interface JsonRpcFifoOptions {
  readonly config: FifoConfig;
  readonly service: RpcService;
  readonly partition: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds after which a half request is given up. Default 2000. */
  readonly halfTimeout?: number;
  /** Milliseconds a client may take to open its reply FIFO, see ReplyFifos. */
  readonly openTimeout?: number;
}

/** A reply FIFO stands in the reply folder and nowhere else. */
const REPLY_NAME = /^[^/.\x00-\x20\x7f][^/\x00-\x20\x7f]{0,127}$/;

/**
 * Kamailio's JSON-RPC FIFO, which kamctl writes to: JSON objects with a member "reply_name", the FIFO in the reply folder
 * that the client has made. Without one the request is run and nothing answered (recorded).
 */
export class JsonRpcFifo implements Service {
  readonly name = 'json-rpc fifo';
  private readonly door: FifoDoor<StreamItem>;
  private readonly replies: ReplyFifos;
  private readonly call: RpcCall;

  constructor(private readonly options: JsonRpcFifoOptions) {
    const { config, clock, logger, service, openTimeout } = options;
    this.call = { partition: options.partition, door: 'jsonrpc-fifo' };
    this.door = new FifoDoor({
      reader: { path: config.fifoName, mode: config.fifoMode, what: 'JSON-RPC FIFO', clock, logger },
      framing: new JsonStream(),
      halfTimeout: options.halfTimeout,
      answer: async (item) => {
        if (item.kind === 'refused') service.refuse('jsonrpc-fifo', item.reason, item.message);
        else await this.answer(item.text);
      },
    });
    this.replies = new ReplyFifos({
      directory: config.replyDir,
      clock,
      ...(openTimeout === undefined ? {} : { openTimeout }),
      onLost: (reason, message) => service.refuse('jsonrpc-fifo', reason, message),
    });
  }

  start(): Promise<void> {
    return this.door.start();
  }

  async stop(): Promise<void> {
    await this.door.stop();
    await this.replies.stop();
    this.door.remove();
  }

  private async answer(text: string): Promise<void> {
    const { service } = this.options;
    const value = parseFirstJson(text)?.value as Readonly<Record<string, unknown>> | undefined;
    if (value === undefined) {
      service.refuse('jsonrpc-fifo', 'malformed', `a request is not JSON: ${JSON.stringify(text.slice(0, 80))}`);
      return;
    }
    const reply = value['reply_name'];
    const wanted = reply !== undefined && reply !== null && reply !== '';
    if (wanted && (typeof reply !== 'string' || !REPLY_NAME.test(reply))) {
      const shown = JSON.stringify(reply)?.slice(0, 80);
      service.refuse(
        'jsonrpc-fifo',
        'reply-name',
        `the reply FIFO ${shown} is not a plain name; the request is not run`,
      );
      return;
    }
    const answer = await service.answerJsonValue(value, this.call);
    if (wanted) void this.replies.send(reply as string, answer);
  }
}
