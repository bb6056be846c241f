import { parseHeaders, type SocketMessage } from './event-socket-framing.js';
import { isServerLoad, type ServerLoad } from './server-load.js';

/** The load in a HEARTBEAT event, in its plain or JSON form; undefined for any other message. */
export function readHeartbeat(message: SocketMessage): ServerLoad | undefined {
  const type = message.headers.get('content-type');
  const field =
    type === 'text/event-plain'
      ? plainFields(message.body)
      : type === 'text/event-json'
        ? jsonFields(message.body)
        : undefined;
  if (field?.('Event-Name') !== 'HEARTBEAT') return undefined;
  const load = {
    sessions: numberOf(field('Session-Count')),
    maxSessions: numberOf(field('Max-Sessions')),
    idleCpu: numberOf(field('Idle-CPU')),
  };
  return isServerLoad(load) ? load : undefined;
}

type Fields = (name: string) => string | undefined;

function plainFields(body: string): Fields {
  const headers = parseHeaders(body);
  return (name) => headers.get(name.toLowerCase());
}

function jsonFields(body: string): Fields | undefined {
  let event: unknown;
  try {
    event = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof event !== 'object' || event === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(event));
  return (name) => {
    const value = fields.get(name);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  };
}

/** NaN when the text is not a plain decimal number. */
function numberOf(text: string | undefined): number {
  return text !== undefined && /^[0-9]{1,12}(?:\.[0-9]{1,12})?$/.test(text) ? Number(text) : Number.NaN;
}
