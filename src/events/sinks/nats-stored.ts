import type { JetStreamClient, NatsConnection } from 'nats';
import type { Clock } from '../../core/clock.js';
import type { EarlierAttempts } from '../outbox.js';
import { isRefusal } from './nats-fault.js';
import { JETSTREAM_MS, nats } from './nats-package.js';

/** Maximum number of messages read back at a time. */
const MAX_MESSAGES = 200_000;
const READ_TIMEOUT = 10_000;
/** The part of the duplicate window that is trusted, because clocks differ and messages take time. */
const TRUSTED_PART = 0.8;
/** Milliseconds before the first attempt from which to read the stream, since the clocks of two machines differ. */
const CLOCK_SKEW = 60_000;

/**
 * Finds out whether an event that is to be sent again is already in the stream. Within the stream's duplicate window
 * the server recognises the ID; after that the stream must be read. One read answers for all events that were tried
 * before it.
 */
export class StoredEvents {
  /** The current read: when it began, how far back it goes (both Clock.monotonic()), and the IDs it found. */
  private look:
    | { readonly began: number; readonly from: number; readonly ids: Promise<ReadonlySet<string>> }
    | undefined;

  /** When an event was last sent again after a read. */
  private sentAgain = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    private readonly stream: string,
  ) {}

  /**
   * Whether the stream has the event; reads the stream if its window (milliseconds) does not answer that. Rejects when
   * the stream cannot be read.
   */
  async has(
    connection: NatsConnection,
    id: string,
    earlier: EarlierAttempts | undefined,
    windowMs: number,
  ): Promise<boolean> {
    if (earlier === undefined) return false;
    const now = this.clock.monotonic();
    if (now - earlier.first < windowMs * TRUSTED_PART) return false;
    const known = this.look;
    const holds = known !== undefined && known.began >= earlier.last && known.from <= earlier.first;
    if (holds && known.began > this.sentAgain) return this.asked(id, known.ids);
    const from = Math.min(earlier.first, known?.from ?? earlier.first);
    const ids = this.read(connection, now - from + CLOCK_SKEW);
    const look = { began: now, from, ids };
    this.look = look;
    ids.catch(() => {
      if (this.look === look) this.look = undefined;
    });
    return this.asked(id, ids);
  }

  private async asked(id: string, ids: Promise<ReadonlySet<string>>): Promise<boolean> {
    const found = (await ids).has(id);
    // It is sent now, so the result of this read is no longer valid for it.
    if (!found) this.sentAgain = this.clock.monotonic();
    return found;
  }

  /** The IDs stored in the last `ageMs` milliseconds, or only the newest if there are too many. */
  private async read(connection: NatsConnection, ageMs: number): Promise<ReadonlySet<string>> {
    const ids = new Set<string>();
    const manager = await connection.jetstreamManager({ checkAPI: false, timeout: JETSTREAM_MS });
    const { state } = await manager.streams.info(this.stream);
    if (state.messages === 0) return ids;
    const since = this.clock.now() - ageMs;
    const consumer = await connection.jetstream().consumers.get(this.stream, {
      inactive_threshold: nats().nanos(30_000),
      headers_only: true,
      ...(Number.isFinite(since) && since > 0
        ? { deliver_policy: nats().DeliverPolicy.StartTime, opt_start_time: new Date(since).toISOString() }
        : {
            deliver_policy: nats().DeliverPolicy.StartSequence,
            opt_start_seq: Math.max(1, state.last_seq - MAX_MESSAGES + 1),
          }),
    });
    try {
      let pending = Math.min((await consumer.info()).num_pending, MAX_MESSAGES);
      while (pending > 0) {
        const batch = await consumer.fetch({ max_messages: Math.min(pending, 1000), expires: READ_TIMEOUT });
        let received = 0;
        for await (const message of batch) {
          received++;
          const id = message.headers?.get('Nats-Msg-Id');
          if (id !== undefined && id !== '') ids.add(id);
        }
        if (received === 0) throw new Error(`stream ${this.stream} could not be read back`);
        pending -= received;
      }
    } finally {
      await consumer.delete().catch(() => false);
    }
    return ids;
  }
}

/** Most IDs for one event, if the server remembers IDs whose messages it has lost. */
const MAX_IDS = 4;

/**
 * Stores a message once by its ID. When the leader of a stream changes, a server may remember an ID but lose its
 * message (nats-server issues 6415, 6486), and then answers "duplicate" until the window ends. Such an event is stored
 * under the ID with a number appended, which is the same on all nodes. Rejects when the message may not be stored.
 */
export async function storeOnce(
  connection: NatsConnection,
  jetstream: JetStreamClient,
  message: { readonly subject: string; readonly payload: string; readonly id: string },
  timeout: number,
): Promise<void> {
  const { subject, payload, id } = message;
  for (let i = 1; i <= MAX_IDS; i++) {
    const msgID = i === 1 ? id : `${id}/${i}`;
    const { stream, seq, duplicate } = await jetstream.publish(subject, payload, { msgID, timeout });
    if (!duplicate || (await isThere(connection, stream, seq, msgID))) return;
  }
  throw new Error(`the server reports ${id} as stored, but does not have it`);
}

/** Whether a message with this ID is in the stream, or was there before the stream removed its oldest ones. */
async function isThere(connection: NatsConnection, stream: string, seq: number, id: string): Promise<boolean> {
  try {
    const manager = await connection.jetstreamManager({ checkAPI: false, timeout: JETSTREAM_MS });
    try {
      return (await manager.streams.getMessage(stream, { seq })).header?.get('Nats-Msg-Id') === id;
    } catch (error) {
      if (!(error instanceof nats().NatsError && error.api_error?.code === 404)) throw error;
      return seq < (await manager.streams.info(stream)).state.first_seq;
    }
  } catch (error) {
    // A user who may not read the stream has to trust the server.
    if (isRefusal(error)) return true;
    throw error;
  }
}
