import type { JetStreamClient, NatsConnection } from 'nats';
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { DispatcherEvent } from '../event.js';
import { Outbox } from '../outbox.js';
import { subjectOf } from '../subject.js';
import type { NatsLink } from './nats-connection.js';
import { natsReason } from './nats-fault.js';
import { nats } from './nats-package.js';

/** Records kept while NATS is away; the oldest beyond are dropped. */
const KEPT = 10_000;
const ACK_TIMEOUT = 5000;
const HOUR = 3_600_000;

/** What the publisher of call records is made with. */
export interface CallRecordsOptions {
  readonly prefix: string;
  /** JetStream stream that stores them; undefined: they are published without acknowledgement. */
  readonly stream: string | undefined;
  readonly link: NatsLink;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Publishes call records on "<prefix>.calls.<partition>", those a script makes on "<prefix>.calls.<partition>.acc". Without a stream,
 * records that are published while there is no connection are dropped and counted. With a stream, records are kept until they are
 * acknowledged; each has an id of its own, by which the stream drops duplicates.
 */
export class NatsRecords {
  /** Records that were dropped. */
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

  /** Never waits, never throws. `id` is unique over time; a `kind` is a further token of the subject. */
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

  /** Records that wait, and those that were dropped. */
  stats(): { readonly depth: number; readonly dropped: number } {
    const stats = this.outbox?.stats();
    return { depth: stats?.depth ?? 0, dropped: this.dropped + (stats?.dropped ?? 0) };
  }

  /** Tries for `timeoutMs` to deliver the records that wait. */
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

  /** Creates the stream. An existing stream is left as its operator made it. */
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
