import { eventKind } from './catalogue.js';
import type { DispatcherEvent } from './event.js';

/**
 * The complete event as a JSON-RPC 2.0 notification: documented parameters first, then ours; undefined ones are left
 * out.
 */
export function encodeNotification(event: DispatcherEvent): string {
  return JSON.stringify({ jsonrpc: '2.0', method: event.name, params: event.params });
}

/**
 * event_datagram of OpenSIPS 4.1: only documented parameters, without `partition` for the default partition, no
 * trailing newline.
 */
export function encodeDatagramJson(event: DispatcherEvent, defaultPartition: string | undefined): string {
  const params: Record<string, string | number> = {};
  for (const [name, value] of documented(event, 'documented', defaultPartition)) params[name] = value;
  return JSON.stringify({ jsonrpc: '2.0', method: event.name, params });
}

/** event_datagram of OpenSIPS 2.1: a line with the name, lines "name::value", an empty line. */
export function encodeDatagramText(event: DispatcherEvent, defaultPartition: string | undefined): string {
  let text = `${event.name}\n`;
  for (const [name, value] of documented(event, 'text', defaultPartition)) {
    // A line break inside a value could forge a parameter, so it becomes a space; OpenSIPS writes it unchanged.
    text += `${name}::${String(value).replace(/[\r\n]/g, ' ')}\n`;
  }
  return `${text}\n`;
}

function* documented(
  event: DispatcherEvent,
  list: 'documented' | 'text',
  defaultPartition: string | undefined,
): Generator<[string, string | number]> {
  for (const name of eventKind(event.name)?.[list] ?? Object.keys(event.params)) {
    const value = event.params[name];
    if (value === undefined) continue;
    if (name === 'partition' && value === defaultPartition) continue;
    yield [name, value];
  }
}
