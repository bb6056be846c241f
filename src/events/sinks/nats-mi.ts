import type { NatsConnection, Service, ServiceMsg } from 'nats';
import { messageOf } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import { decodeToken, encodeToken } from '../subject.js';
import type { NatsLink } from './nats-connection.js';

/** What the subject of a request bounds it to. */
export interface SubjectBounds {
  readonly partition: string;
  /** Name of the one command it may call. */
  readonly command: string;
}

/**
 * Answers one MI request; undefined when nothing is to be answered (a notification). `bounds`: those of the subject it came
 * on, undefined for the plain one.
 */
export type MiAnswer = (text: string, bounds?: SubjectBounds) => Promise<string | undefined>;

/** What the endpoint for management commands by NATS is made with. */
export interface NatsMiOptions {
  readonly subject: string;
  /** First tokens of the subjects "<prefix>.mi.<partition>.<command>", which bound a request by themselves. */
  readonly prefix: string;
  readonly answer: MiAnswer;
  readonly link: NatsLink;
  readonly log: Logger;
  readonly node: string;
  /** Semantic version. */
  readonly version: string;
}

/** Requests worked on at a time; further ones are refused. */
const MAX_RUNNING = 64;

/**
 * The management interface over NATS request-reply, registered as the NATS service "switchyard". Requests on the subject
 * go to one node of those that listen; "<subject>.<node>" reaches this one. "<prefix>.mi.<partition>.<command>" is for one
 * command on one partition, so that the server's permissions bound who may do what.
 */
export class NatsMi {
  private service: Service | undefined;
  private servedBy: NatsConnection | undefined;
  private runningCount = 0;
  private readonly forget: () => void;

  constructor(private readonly options: NatsMiOptions) {
    // The client itself renews subscriptions after a reconnect; only a new connection needs them again.
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

  /** Takes the service back; waits half a second at most. */
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
      message.respondError(503, 'too many requests', failure(-32000, 'too many requests'));
      return;
    }
    this.runningCount++;
    try {
      const answer = Buffer.from((await this.options.answer(message.string(), bounds)) ?? '');
      const limit = connection.info?.max_payload;
      if (limit !== undefined && answer.length > limit) {
        const text = `answer is larger than the ${limit} bytes the NATS server takes; ask for a part`;
        message.respondError(413, text, failure(-32000, text));
      } else message.respond(answer);
    } catch (error) {
      this.options.log.error({ cause: messageOf(error) }, 'MI request over NATS failed');
      try {
        message.respondError(500, 'internal error', failure(-32603, 'Internal error'));
      } catch {
        // The connection was lost meanwhile; no answer can be sent.
      }
    } finally {
      this.runningCount--;
    }
  }
}

/** The partition and the command that a subject names last. */
function boundsOf(subject: string): SubjectBounds | undefined {
  const [partition, command] = subject.split('.').slice(-2).map(decodeToken);
  return partition === undefined || command === undefined ? undefined : { partition, command };
}

function failure(code: number, message: string): Uint8Array {
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }));
}
