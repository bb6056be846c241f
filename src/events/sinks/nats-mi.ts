import type { NatsConnection, Service, ServiceMsg } from 'nats';
import { messageOf } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import { decodeToken, encodeToken } from '../subject.js';
import type { NatsLink } from './nats-connection.js';

/** The limits that a request's subject imposes. */
export interface SubjectBounds {
  readonly partition: string;
  /** The only command that may be called. */
  readonly command: string;
}

/**
 * Answers an MI request; undefined: no answer (a notification). `bounds`: from the subject; undefined for the general
 * subject.
 */
export type MiAnswer = (text: string, bounds?: SubjectBounds) => Promise<string | undefined>;

/** Options of the management endpoint over NATS. */
export interface NatsMiOptions {
  readonly subject: string;
  /**
   * First tokens of the subjects "<prefix>.mi.<partition>.<command>", which limit a request to that partition and
   * command.
   */
  readonly prefix: string;
  readonly answer: MiAnswer;
  readonly link: NatsLink;
  readonly log: Logger;
  readonly node: string;
  /** Semantic version. */
  readonly version: string;
}

/** Requests handled at a time; further ones are refused. */
const MAX_RUNNING = 64;

/**
 * The management interface over NATS request-reply, registered as the NATS service "switchyard". A request on the
 * subject reaches one of the nodes that listen; "<subject>.<node>" reaches this one.
 * "<prefix>.mi.<partition>.<command>" is for one command on one partition, so that permissions of the server can limit
 * who may do what.
 */
export class NatsMi {
  private service: Service | undefined;
  private servedBy: NatsConnection | undefined;
  private runningCount = 0;
  private readonly forget: () => void;

  constructor(private readonly options: NatsMiOptions) {
    // After a reconnect the client renews subscriptions; only a new connection needs them again.
    this.forget = options.link.onUp((connection) => {
      if (connection === this.servedBy) return;
      this.servedBy = connection;
      this.register(connection).catch((error: unknown) => {
        options.log.error(
          { subject: options.subject, cause: messageOf(error) },
          'MI service could not be registered with NATS',
        );
      });
    });
  }

  /** Unregisters the service; waits half a second at most. */
  async stop(): Promise<void> {
    this.forget();
    if (this.service !== undefined && this.options.link.current !== undefined) {
      await Promise.race([this.service.stop(), new Promise((resolve) => setTimeout(resolve, 500).unref())]);
    }
    this.service = undefined;
  }

  private async register(connection: NatsConnection): Promise<void> {
    const { subject, prefix, node, version } = this.options;
    const service = await connection.services.add({
      name: 'switchyard',
      version,
      description: 'SIP dispatcher: MI commands as JSON-RPC 2.0',
      metadata: { node },
    });
    const handler = (error: Error | null, message: ServiceMsg) => {
      if (error === null) void this.handle(connection, message, undefined);
    };
    service.addEndpoint('mi', { subject, handler });
    service.addEndpoint('node', { subject: `${subject}.${encodeToken(node)}`, handler });
    service.addEndpoint('partition', {
      subject: `${prefix}.mi.*.*`,
      handler: (error, message) => {
        const bounds = boundsOf(message.subject);
        if (error === null && bounds !== undefined) void this.handle(connection, message, bounds);
      },
    });
    this.service = service;
  }

  private async handle(
    connection: NatsConnection,
    message: ServiceMsg,
    bounds: SubjectBounds | undefined,
  ): Promise<void> {
    if (this.runningCount >= MAX_RUNNING) {
      refuse(message, 503, 'too many requests', failure(-32000, 'too many requests'));
      return;
    }
    this.runningCount++;
    try {
      const answer = Buffer.from((await this.options.answer(message.string(), bounds)) ?? '');
      const limit = connection.info?.max_payload;
      if (limit !== undefined && answer.length > limit) {
        const text = `the answer is larger than the ${limit} bytes that the NATS server accepts; ask for a part of it`;
        message.respondError(413, text, failure(-32000, text));
      } else message.respond(answer);
    } catch (error) {
      this.options.log.error({ cause: messageOf(error) }, 'MI request over NATS failed');
      refuse(message, 500, 'internal error', failure(-32603, 'Internal error'));
    } finally {
      this.runningCount--;
    }
  }
}

/** Answers with an error, unless the connection was lost in the meantime. */
function refuse(message: ServiceMsg, status: number, text: string, body: Uint8Array): void {
  try {
    message.respondError(status, text, body);
  } catch {
    // No answer can be sent.
  }
}

/** Partition and command in the last tokens of a subject. */
function boundsOf(subject: string): SubjectBounds | undefined {
  const [partition, command] = subject.split('.').slice(-2).map(decodeToken);
  return partition === undefined || command === undefined ? undefined : { partition, command };
}

function failure(code: number, message: string): Uint8Array {
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }));
}
