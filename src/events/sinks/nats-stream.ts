import type { JetStreamManager, NatsConnection, StreamConfig } from 'nats';
import type { Logger } from '../../core/logger.js';
import { EVENT_CATALOGUE } from '../catalogue.js';
import { JETSTREAM_MS, nats } from './nats-package.js';

const HOUR = 3_600_000;
/** Name of audit records in subjects. A stream made by an operator need not keep them. */
export const AUDIT = 'audit';
/** A duplicate window below this many seconds is shorter than an ordinary outage. */
const SHORT_WINDOW = 120;

/** The subjects of events and audit records. Requests on "<prefix>.mi" must never be stored. */
function eventSubjects(prefix: string): string[] {
  return [...EVENT_CATALOGUE.map(({ name }) => `${prefix}.${name}.>`), `${prefix}.${AUDIT}.>`];
}

/** Whether a subject with wildcards matches a subject without. */
export function subjectMatches(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.');
  const tokens = subject.split('.');
  for (const [i, token] of wanted.entries()) {
    if (token === '>') return tokens.length > i;
    if (tokens[i] === undefined || (token !== '*' && token !== tokens[i])) return false;
  }
  return wanted.length === tokens.length;
}

/**
 * Makes sure that a stream stores the events. An existing stream is left as its operator made it. A missing one is
 * created: file storage, a week or a million events, and a duplicate window of an hour, so that an event whose
 * acknowledgement was lost is not stored twice. Returns the duplicate window. Problems of an existing stream are logged
 * unless they are in `said`, which is then replaced by the current ones: after an outage this function is called for
 * each event.
 */
export async function ensureStream(
  nc: NatsConnection,
  stream: string,
  prefix: string,
  log: Logger,
  said: Set<string>,
): Promise<{ readonly windowMs: number }> {
  const manager = await nc.jetstreamManager({ checkAPI: false, timeout: JETSTREAM_MS });
  const existing = await existingConfig(manager, stream);
  if (existing === undefined) {
    await manager.streams.add({
      name: stream,
      subjects: eventSubjects(prefix),
      description: 'events of switchyard',
      max_age: nats().nanos(168 * HOUR),
      max_msgs: 1_000_000,
      duplicate_window: nats().nanos(HOUR),
    });
    said.clear();
    log.info({ stream }, `created the JetStream stream ${stream}`);
    return { windowMs: HOUR };
  }
  const faults = streamFaults(stream, existing, prefix);
  const fresh = faults.filter(({ reason }) => !said.has(reason));
  said.clear();
  for (const { reason } of faults) said.add(reason);
  for (const { reason, ...fields } of fresh) {
    if (fields.subjects === undefined) log.warn({ stream, ...fields }, reason);
    else log.error({ stream, ...fields }, reason);
  }
  return { windowMs: nats().millis(existing.duplicate_window ?? 0) };
}

/** The problems of a stream for our events, in words; none for one that we made. */
export function streamFaults(
  stream: string,
  { subjects = [], duplicate_window = 0 }: Pick<Partial<StreamConfig>, 'subjects' | 'duplicate_window'>,
  prefix: string,
): readonly { readonly reason: string; readonly subjects?: readonly string[]; readonly seconds?: number }[] {
  const faults: { reason: string; subjects?: readonly string[]; seconds?: number }[] = [];
  const missing = EVENT_CATALOGUE.filter(
    ({ name }) => !subjects.some((pattern) => subjectMatches(pattern, `${prefix}.${name}.partition.1`)),
  );
  for (const { name } of missing) {
    const reason = `the JetStream stream ${stream} does not include ${prefix}.${name}.>; add that subject`;
    faults.push({ subjects, reason });
  }
  const seconds = nats().millis(duplicate_window) / 1000;
  if (seconds < SHORT_WINDOW) {
    const reason =
      `the JetStream stream ${stream} recognises duplicates for ${seconds} s only (duplicate_window): after a longer outage ` +
      `the stream is read back before an event is sent again; ${SHORT_WINDOW} s or more avoid that`;
    faults.push({ seconds, reason });
  }
  return faults;
}

/** The configuration of a stream; undefined if it does not exist. Rejects without an answer. */
export async function streamConfig(nc: NatsConnection, stream: string): Promise<StreamConfig | undefined> {
  return existingConfig(await nc.jetstreamManager({ checkAPI: false, timeout: JETSTREAM_MS }), stream);
}

async function existingConfig(manager: JetStreamManager, stream: string): Promise<StreamConfig | undefined> {
  try {
    return (await manager.streams.info(stream)).config;
  } catch (error) {
    if (error instanceof nats().NatsError && error.api_error?.code === 404) return undefined;
    throw error;
  }
}
