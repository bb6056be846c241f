import type { DispatcherStatusParams } from './event.js';

/** An event as received by a watcher. */
export interface WatchedEvent {
  readonly name: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** The text as received. */
  readonly text: string;
}

/** Longest event that is parsed, in bytes. */
const MAX_EVENT = 64 * 1024;

/** Parses a JSON-RPC notification; undefined when it is invalid. */
export function parseEvent(text: string): WatchedEvent | undefined {
  if (text.length > MAX_EVENT) return undefined;
  try {
    const parsed = JSON.parse(text) as { method?: unknown; params?: unknown } | null;
    const { method, params } = parsed ?? {};
    if (typeof method !== 'string' || typeof params !== 'object' || params === null || Array.isArray(params)) {
      return undefined;
    }
    return { name: method, params: params as Record<string, unknown>, text };
  } catch {
    return undefined;
  }
}

/**
 * An event as one line for a terminal: "2026-11-21T07:00:00.123Z acme 1 sip:10.0.0.2:5060 active -> inactive (negative
 * probing reply, 503)".
 */
export function renderEvent(event: WatchedEvent): string {
  if (event.name !== 'E_DISPATCHER_STATUS') return printable(`${event.name} ${JSON.stringify(event.params)}`);
  const params = event.params as Partial<DispatcherStatusParams>;
  const why = [params.reason, params.code, params.cause].filter((each) => each !== undefined).join(', ');
  const edge = params.previous === undefined ? params.status : `${params.previous} -> ${params.status}`;
  const subject = [params.time, params.partition, params.group, params.address].filter((each) => each !== undefined);
  return printable(`${subject.join(' ')} ${edge}${why === '' ? '' : ` (${why})`}`);
}

/** Control characters in the text of an event must not reach the terminal. */
function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?');
}
