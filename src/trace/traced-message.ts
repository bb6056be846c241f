import type { TransportName } from '../core/uri.js';

/** One message as it came or left. */
export interface TracedMessage {
  /** Grows by one with each message of a trace. */
  readonly n: number;
  /** Milliseconds since the epoch, with a fraction. */
  readonly time: number;
  readonly direction: 'in' | 'out';
  readonly transport: TransportName;
  /** Our address, without brackets, and port. */
  readonly local: { readonly address: string; readonly port: number };
  readonly remote: { readonly address: string; readonly port: number };
  readonly callId: string;
  /** The message as latin1 text; its body left out where the trace says so. */
  readonly text: string;
}

/** "INVITE sip:bob@example.com" or "200 OK": what a ladder and a list show of a message. */
export function titleOf(text: string): string {
  const end = text.indexOf('\r\n');
  const line = end < 0 ? text.slice(0, 200) : text.slice(0, Math.min(end, 200));
  return line.startsWith('SIP/2.0 ') ? line.slice(8) : line.replace(/ SIP\/2\.0$/, '');
}
