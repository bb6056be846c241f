import type { TransportName } from '../core/uri.js';

/** One message as received or sent. */
export interface TracedMessage {
  /** Number of the message in its trace, from 1. */
  readonly n: number;
  /** Milliseconds since the epoch, with a fraction. */
  readonly time: number;
  readonly direction: 'in' | 'out';
  readonly transport: TransportName;
  /** Our address (without brackets) and port. */
  readonly local: { readonly address: string; readonly port: number };
  readonly remote: { readonly address: string; readonly port: number };
  readonly callId: string;
  /** The message as latin1 text, without body where the trace keeps none. */
  readonly text: string;
}

/** The short form of a message in ladders and lists: "INVITE sip:bob@example.com" or "200 OK". */
export function titleOf(text: string): string {
  const end = text.indexOf('\r\n');
  const line = end < 0 ? text.slice(0, 200) : text.slice(0, Math.min(end, 200));
  return line.startsWith('SIP/2.0 ') ? line.slice(8) : line.replace(/ SIP\/2\.0$/, '');
}
