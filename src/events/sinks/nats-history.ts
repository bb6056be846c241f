import type { NatsConnection } from 'nats';
import { E_DISPATCHER_STATUS } from '../catalogue.js';
import { encodeToken } from '../subject.js';
import { parseEvent, type WatchedEvent } from '../watch.js';
import { nats } from './nats-package.js';

/** An event with its sequence number in the stream. */
export interface StoredEvent {
  readonly seq: number;
  readonly event: WatchedEvent;
}

/** Stored events, newest first. */
export interface EventPage {
  readonly events: readonly StoredEvent[];
  /** Sequence number to continue with, for older events; undefined: there are none. */
  readonly before: number | undefined;
}

/** Which stored events to read. */
export interface HistoryQuery {
  /** Only events with a smaller sequence number; undefined: the newest. */
  readonly before?: number | undefined;
  /** Maximum number of events of a page. */
  readonly limit: number;
  /** Only this partition; undefined: all. */
  readonly partition?: string | undefined;
  /** Whether the caller wants an event. */
  readonly wants: (event: WatchedEvent) => boolean;
}

/** Maximum number of sequence numbers searched for one page; a page that found too little says where to continue. */
const MAX_MESSAGES = 20_000;
/** Messages requested at a time. */
const BATCH = 500;
const READ_TIMEOUT = 5000;

/**
 * Reads status events of the stream, newest first. A stream can only be read forwards, so it reads a section before the
 * given number, then a longer one before that, until the page is full. Rejects when the stream cannot be read.
 */
export async function readBack(
  connection: NatsConnection,
  stream: string,
  prefix: string,
  { before, limit, partition, wants }: HistoryQuery,
): Promise<EventPage> {
  const manager = await connection.jetstreamManager({ checkAPI: false, timeout: READ_TIMEOUT });
  const { state } = await manager.streams.info(stream);
  const first = Math.max(1, state.first_seq);
  const newest = Math.min(before === undefined ? state.last_seq : before - 1, state.last_seq);
  const filter = `${prefix}.${E_DISPATCHER_STATUS}.${partition === undefined ? '' : `${encodeToken(partition)}.`}>`;
  let found: StoredEvent[] = [];
  let end = newest;
  let length = 2 * limit;
  while (end >= first && found.length < limit && newest - end < MAX_MESSAGES) {
    const start = Math.max(first, end - length + 1);
    found = [...(await readStretch(connection, stream, filter, start, end, wants)), ...found];
    end = start - 1;
    length = Math.min(4 * length, MAX_MESSAGES);
  }
  const events = found.slice(-limit).reverse();
  const oldest = events.at(-1);
  const isCut = found.length > limit && oldest !== undefined;
  const rest = isCut ? oldest.seq : end + 1;
  return { events, before: isCut || end >= first ? rest : undefined };
}

/** The wanted events from `start` to `end`, in order. */
async function readStretch(
  connection: NatsConnection,
  stream: string,
  filter: string,
  start: number,
  end: number,
  wants: HistoryQuery['wants'],
): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  const consumer = await connection.jetstream().consumers.get(stream, {
    filterSubjects: filter,
    deliver_policy: nats().DeliverPolicy.StartSequence,
    opt_start_seq: start,
  });
  try {
    let pending = (await consumer.info()).num_pending;
    while (pending > 0) {
      const asked = Math.min(pending, BATCH, end - start + 1);
      let received = 0;
      const batch = await consumer.fetch({ max_messages: asked, expires: READ_TIMEOUT });
      for await (const message of batch) {
        received++;
        if (message.seq > end) return events;
        const event = parseEvent(message.string());
        if (event?.name === E_DISPATCHER_STATUS && wants(event)) events.push({ seq: message.seq, event });
        if (message.seq === end) return events;
      }
      if (received === 0) throw new Error(`stream ${stream} could not be read`);
      pending -= received;
    }
    return events;
  } finally {
    await consumer.delete().catch(() => false);
  }
}
