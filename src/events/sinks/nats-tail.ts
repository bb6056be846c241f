import type { NatsConnection } from 'nats';
import { E_DISPATCHER_STATUS } from '../catalogue.js';
import type { StateEntry } from '../state-entry.js';
import { JETSTREAM_MS, nats } from './nats-package.js';

/** Maximum number of events read back: more than the bucket can be behind the stream. */
const MAX_MESSAGES = 5000;
const READ_TIMEOUT = 10_000;

/** Status and number of the last published edge. */
export type Published = Pick<StateEntry, 'status' | 'seq'>;

/** A destination as events name it: without its socket. */
export function eventKey({ partition, group, address }: Pick<StateEntry, 'partition' | 'group' | 'address'>): string {
  return `${partition} ${group} ${address.toLowerCase()}`;
}

/** Reads the newest events of this node in the stream; returns the last one of each destination by `eventKey`. */
export async function readTail(
  connection: NatsConnection,
  stream: string,
  prefix: string,
  node: string,
): Promise<ReadonlyMap<string, Published>> {
  const published = new Map<string, Published>();
  const manager = await connection.jetstreamManager({ checkAPI: false, timeout: JETSTREAM_MS });
  const { state } = await manager.streams.info(stream);
  if (state.messages === 0) return published;
  const consumer = await connection.jetstream().consumers.get(stream, {
    filterSubjects: `${prefix}.${E_DISPATCHER_STATUS}.>`,
    deliver_policy: nats().DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(1, state.last_seq - MAX_MESSAGES + 1),
  });
  try {
    let pending = (await consumer.info()).num_pending;
    while (pending > 0) {
      const batch = await consumer.fetch({ max_messages: Math.min(pending, 500), expires: READ_TIMEOUT });
      let received = 0;
      for await (const message of batch) {
        received++;
        note(published, message.string(), node);
      }
      if (received === 0) break;
      pending -= received;
    }
  } finally {
    await consumer.delete().catch(() => false);
  }
  return published;
}

function note(published: Map<string, Published>, text: string, node: string): void {
  let params: Partial<StateEntry> | undefined;
  try {
    params = (JSON.parse(text) as { params?: Partial<StateEntry> } | null)?.params;
  } catch {
    // Anybody may publish there, so an invalid message is ignored.
  }
  if (params !== undefined) noteParams(published, { ...params }, node);
}

/** Notes the status in the parameters of an event, if this node raised it. */
export function noteParams(
  published: Map<string, Published>,
  params: Readonly<Record<string, unknown>>,
  node: string,
): void {
  const entry = params as Partial<StateEntry>;
  if (entry.node !== node || !isPublished(entry)) return;
  const { partition, group, address, status, seq }: Partial<StateEntry> & Published = entry;
  if (typeof partition !== 'string' || typeof group !== 'number' || typeof address !== 'string') return;
  published.set(eventKey({ partition, group, address }), { status, seq });
}

/** Whether a value read back has a status and a number. */
export function isPublished(value: Partial<Published> | undefined): value is Published {
  if (value?.status !== 'active' && value?.status !== 'inactive') return false;
  return Number.isSafeInteger(value.seq) && (value.seq as number) >= 0;
}
