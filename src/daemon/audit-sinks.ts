import type { AuditRecord, AuditTrail } from '../access/audit.js';
import type { Logger } from '../core/logger.js';
import type { EventIds } from '../events/catalogue.js';
import type { DispatcherEvent } from '../events/event.js';

/** Used in subjects for records about no partition; a partition cannot have this name. */
const WHOLE_PROCESS = '_';

/** A pino logger, whose children may have a level of their own. */
interface LevelledLogger extends Logger {
  child(bindings: Record<string, unknown>, options?: { readonly level: string }): Logger;
}

/** Publishes events; `stats` has the number of waiting ones. */
export interface AuditPublisher {
  publish(event: DispatcherEvent): void;
  stats(): { readonly depth: number };
}

/** When so many events wait for NATS, further records are only logged. */
const MAX_WAITING = 1000;

/**
 * Writes audit records of endpoints to the log, as lines with "audit": true that no log level suppresses, and publishes
 * them on NATS as "<prefix>.audit.<partition>", if it is configured. Records that could not be published are counted in
 * `unpublished`.
 */
export function followAudit(
  audit: AuditTrail,
  log: Logger,
  nats: AuditPublisher | undefined,
  ids: EventIds,
  unpublished: { value: number },
): void {
  const lines = (log as LevelledLogger).child({ audit: true }, { level: 'info' });
  audit.onRecord((record) => {
    // Commands that a program runs on its own daemon, as an offline selection does, have no operator.
    if (record.endpoint === 'cli') return;
    const { user = 'somebody', command, result } = record;
    if (result === 'ok') lines.info(record, `${user} ran ${command}`);
    else lines.warn(record, `${user} ran ${command}: ${result}`);
    if (nats === undefined) return;
    // Records are not merged, so while NATS is away they must not displace events about states.
    if (nats.stats().depth < MAX_WAITING) nats.publish(eventOf(record, ids));
    else unpublished.value++;
  });
}

function eventOf(record: AuditRecord, ids: EventIds): DispatcherEvent {
  const { time, user, endpoint, peer, command, params, partition, result, error, changes } = record;
  const id = ids.next();
  return {
    name: 'audit',
    params: { time, user, endpoint, peer, command, params, partition, result, error, changes: changes.join('; '), id },
    // Each record has its own key, since none may replace another.
    key: `audit ${id}`,
    id,
    subject: [partition ?? WHOLE_PROCESS],
  };
}
