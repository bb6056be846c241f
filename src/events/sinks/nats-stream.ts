import { type JetStreamManager, type NatsConnection, NatsError, nanos } from 'nats';
import type { Logger } from '../../core/logger.js';
import { EVENT_CATALOGUE } from '../catalogue.js';

const HOUR = 3_600_000;

/** Subjects of the events, and of nothing else: requests on "<prefix>.mi" must never be stored. */
function eventSubjects(prefix: string): string[] {
  return EVENT_CATALOGUE.map(({ name }) => `${prefix}.${name}.>`);
}

/** Whether a subject with wildcards takes in a subject without. */
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
 * Makes sure that a stream takes the events in. A stream that is there is left as its operator made it; one that is
 * missing is created: file storage, a week or a million events, and duplicates by Nats-Msg-Id recognised for an hour, so
 * that an event whose acknowledgement was lost in an outage is not stored twice.
 */
export async function ensureStream(nc: NatsConnection, stream: string, prefix: string, log: Logger): Promise<void> {
  const manager = await nc.jetstreamManager({ checkAPI: false, timeout: 5000 });
  const subjects = await existingSubjects(manager, stream);
  if (subjects === undefined) {
    await manager.streams.add({
      name: stream,
      subjects: eventSubjects(prefix),
      description: 'events of switchyard',
      max_age: nanos(168 * HOUR),
      max_msgs: 1_000_000,
      duplicate_window: nanos(HOUR),
    });
    log.info({ stream }, `created the JetStream stream ${stream}`);
    return;
  }
  const missing = EVENT_CATALOGUE.filter(
    ({ name }) => !subjects.some((pattern) => subjectMatches(pattern, `${prefix}.${name}.partition.1`)),
  );
  for (const { name } of missing) {
    log.error(
      { stream, subjects },
      `the JetStream stream ${stream} does not take in ${prefix}.${name}.>; add that subject`,
    );
  }
}

async function existingSubjects(manager: JetStreamManager, stream: string): Promise<string[] | undefined> {
  try {
    const info = await manager.streams.info(stream);
    return info.config.subjects ?? [];
  } catch (error) {
    if (error instanceof NatsError && error.api_error?.code === 404) return undefined;
    throw error;
  }
}
