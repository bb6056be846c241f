import type { JetStreamClient, NatsConnection } from 'nats';
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { DispatcherEvent } from '../event.js';
import { Outbox } from '../outbox.js';
import { subjectOf } from '../subject.js';
import type { NatsLink } from './nats-connection.js';
import { natsReason } from './nats-fault.js';
import { nats } from './nats-package.js';

/** Records kept while there is no connection; beyond that the oldest are dropped. */
const KEPT = 10_000;
const ACK_TIMEOUT = 5000;
const HOUR = 3_600_000;

/** Options of the publisher for call records. */
export interface CallRecordsOptions {
  readonly prefix: string;
  /** JetStream stream that stores them; undefined: they are published without acknowledgement. */
  readonly stream: string | undefined;
  readonly link: NatsLink;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Publishes call records on "<prefix>.calls.<partition>"; those made by scripts on "<prefix>.calls.<partition>.acc".
 * Without a stream, records are dropped and counted while there is no connection. With a stream, they are kept until
 * acknowledged, and have IDs by which the stream drops duplicates.
 */
export class NatsRecords {
  /** Number of dropped records. */
  dropped = 0;
  private readonly outbox: Outbox | undefined;
  private jetstream: JetStreamClient | undefined;
  private streamReady: Promise<void> | undefined;

  constructor(private readonly options: CallRecordsOptions) {
    const { stream, link, clock, log } = options;
    if (stream === undefined) return;
    const outbox = new Outbox({
      name: `stream ${stream}`,
      clock,
      log,
      limit: KEPT,
      hardLimit: KEPT,
      ready: false,
      deliver: (event) => this.deliver(event, stream),
    });
    this.outbox = outbox;
    link.onUp((connection) => {
      this.jetstream = connection.jetstream({ timeout: ACK_TIMEOUT });
      this.streamReady = undefined;
      outbox.setReady(true);
    });
    link.onDown(() => outbox.setReady(false));
  }

  /**
   * Publishes a record without waiting; never throws. `id` must never repeat; `kind` is an additional token of the
   * subject.
   */
  publish(partition: string, id: string, text: string, kind?: string): void {
    const subject = kind === undefined ? [partition] : [partition, kind];
    const event: DispatcherEvent = { name: 'calls', params: { text }, key: id, id, subject };
    if (this.outbox !== undefined) {
      this.outbox.add(event);
      return;
    }
    const connection = this.options.link.current;
    try {
      if (connection === undefined) this.dropped++;
      else connection.publish(subjectOf(this.options.prefix, event), text);
    } catch {
      this.dropped++;
    }
  }

  /** Numbers of waiting and of dropped records. */
  stats(): { readonly depth: number; readonly dropped: number } {
    const stats = this.outbox?.stats();
    return { depth: stats?.depth ?? 0, dropped: this.dropped + (stats?.dropped ?? 0) };
  }

  /** Tries to deliver the waiting records for `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    await this.outbox?.drain(timeoutMs);
    this.outbox?.stop();
  }

  private async deliver(event: DispatcherEvent, stream: string): Promise<void> {
    const connection = this.options.link.current;
    if (connection === undefined || this.jetstream === undefined) throw new Error('not connected');
    this.streamReady ??= this.ensureStream(connection, stream);
    try {
      await this.streamReady;
      const subject = subjectOf(this.options.prefix, event);
      await this.jetstream.publish(subject, String(event.params['text']), { msgID: event.id, timeout: ACK_TIMEOUT });
    } catch (error) {
      this.streamReady = undefined;
      throw new Error(natsReason(error), { cause: error });
    }
  }

  /** Creates the stream. An existing one is left as its operator made it. */
  private async ensureStream(connection: NatsConnection, stream: string): Promise<void> {
    const manager = await connection.jetstreamManager({ checkAPI: false, timeout: ACK_TIMEOUT });
    try {
      await manager.streams.info(stream);
    } catch (error) {
      if (!(error instanceof nats().NatsError) || error.api_error?.code !== 404) throw error;
      await manager.streams.add({
        name: stream,
        subjects: [`${this.options.prefix}.calls.>`],
        description: 'call records of switchyard',
        max_age: nats().nanos(168 * HOUR),
        max_msgs: 1_000_000,
        duplicate_window: nats().nanos(HOUR),
      });
      this.options.log.info({ stream }, `created the JetStream stream ${stream}`);
    }
  }
}
