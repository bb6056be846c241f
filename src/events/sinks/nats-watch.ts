import type { Clock } from '../../core/clock.js';
import { SwitchyardError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import { Queue } from '../../core/queue.js';
import { E_DISPATCHER_STATUS } from '../catalogue.js';
import { encodeToken } from '../subject.js';
import { parseEvent, type WatchedEvent } from '../watch.js';
import { NatsLink } from './nats-connection.js';
import { connectionOptions, type NatsSettings } from './nats-settings.js';

/** Which events to watch. */
export interface WatchOptions {
  /** Only events of this partition. */
  readonly partition?: string;
  /** Only events of this set, in the given partition or in all. */
  readonly group?: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends watching. */
  readonly signal: AbortSignal;
}

/** Maximum number of events kept for a slow reader; beyond that the oldest are dropped. */
const MAX_WAITING = 10_000;

/**
 * Yields status events from NATS as they happen, until the signal aborts. It continues after a loss of the connection,
 * but events raised meanwhile are missing. Throws SwitchyardError CONFIG_INVALID for unusable settings.
 */
export async function* watchNats(settings: NatsSettings, options: WatchOptions): AsyncGenerator<WatchedEvent> {
  const { partition, group, clock, log, signal } = options;
  if (group !== undefined && !Number.isSafeInteger(group)) {
    throw new SwitchyardError('USAGE', `set must be a whole number, not ${group}`);
  }
  const where = group === undefined ? '>' : String(group);
  const filter =
    partition === undefined ? (group === undefined ? '>' : `*.${where}`) : `${encodeToken(partition)}.${where}`;
  const subject = `${settings.prefix}.${E_DISPATCHER_STATUS}.${filter}`;
  const waiting = new Queue<WatchedEvent>();
  let wake = () => {};
  const link = new NatsLink(connectionOptions(settings, 'switchyard-watch'), clock, log);
  let subscribedOn: unknown;
  link.onUp((connection) => {
    if (connection === subscribedOn) return;
    subscribedOn = connection;
    link.hear(connection, subject, (message) => {
      const event = parseEvent(message.string());
      if (event === undefined) return;
      waiting.push(event);
      if (waiting.length > MAX_WAITING) waiting.shift();
      wake();
    });
  });
  const abort = () => wake();
  signal.addEventListener('abort', abort);
  // The timers of the clock do not keep the process alive; this one does during the pauses between attempts to connect.
  const alive = setInterval(() => {}, 60_000);
  link.start();
  try {
    while (!signal.aborted) {
      const event = waiting.shift();
      if (event !== undefined) yield event;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    clearInterval(alive);
    signal.removeEventListener('abort', abort);
    await link.stop(500);
  }
}
