import type { AuditRecord, AuditTrail } from '../access/audit.js';
import type { Logger } from '../core/logger.js';
import type { EventIds } from '../events/catalogue.js';
import type { DispatcherEvent } from '../events/event.js';

/** Records about no partition are published under this name: it is none a partition can have. */
const WHOLE_PROCESS = '_';

/** A logger whose children may have a level of their own (pino). */
interface LevelledLogger extends Logger {
  child(bindings: Record<string, unknown>, options?: { readonly level: string }): Logger;
}

/** Where records are published, and how many events wait there. */
export interface AuditPublisher {
  publish(event: DispatcherEvent): void;
  stats(): { readonly depth: number };
}

/** Events that wait for NATS, beyond which records stay in the log only. */
const MAX_WAITING = 1000;

/**
 * Writes audit records of endpoints to the log, as lines with "audit": true that no log level leaves out, and publishes them on NATS as
 * "<prefix>.audit.<partition>", where there is a connection. What cannot be published stays in the log and is counted in
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
    // A program that runs commands on a daemon inside itself, as an offline selection does, has no operator.
    if (record.endpoint === 'cli') return;
    const { user = 'somebody', command, result } = record;
    if (result === 'ok') lines.info(record, `${user} ran ${command}`);
    else lines.warn(record, `${user} ran ${command}: ${result}`);
    if (nats === undefined) return;
    // A record is never merged with another: while NATS is away they must not push out events of states.
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
    // Each record has its own key: none may replace another.
    key: `audit ${id}`,
    id,
    subject: [partition ?? WHOLE_PROCESS],
  };
}
