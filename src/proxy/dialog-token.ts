import type { KeyRing } from '../core/key-ring.js';
import { keyedHash } from '../core/keyed-hash.js';
import { hash32 } from '../core/mix.js';
import { defaultPort, type SipUri, uriParam, uriTransport } from '../core/uri.js';
import type { SipSocket } from '../sip/transport/transport.js';

/** Parameter of our Record-Route URI that shows it is ours. */
const PARAMETER = 'dt';

interface Made {
  readonly over: string;
  readonly key: string;
  readonly token: string;
}

/** Number of cached tokens, a power of two. */
const RECENT = 4096;

/**
 * Tokens in our Record-Route URIs. Peers copy them into Route byte for byte (RFC 3261 section 12.2.1.1), so that a request
 * inside a dialog proves that the dialog was set up through this proxy. A token is a keyed hash over the constants of a
 * dialog: its Call-ID and the sockets it passes through.
 */
export class DialogTokens {
  /** Cache of recent tokens: requests that soon follow in the same dialog need no new hash. */
  private readonly recent: (Made | undefined)[] = new Array<Made | undefined>(RECENT).fill(undefined);

  constructor(private readonly keys: KeyRing) {}

  /** The URI parameter, with its ";", for a dialog that arrives on one socket and leaves by another, or the same. */
  parameter(callId: string, inbound: SipSocket, outbound: SipSocket): string {
    const over = text(callId, nameOf(inbound), nameOf(outbound));
    return `;${PARAMETER}=${this.make(over)}`;
  }

  /** Whether URIs of ours on top of a request's Route, one or a pair, carry the token of the dialog with this Call-ID. */
  recorded(callId: string, first: SipUri, second: SipUri | undefined): boolean {
    const token = uriParam(first.params, PARAMETER);
    if (token === undefined || token === '') return false;
    const pair = second !== undefined && isHalf(first) && isHalf(second) ? second : first;
    const over = text(callId, nameIn(first), nameIn(pair));
    return same(token, this.make(over)) || this.keys.some((key) => same(token, keyedHash(key, over)));
  }

  /** The token over a text by the key in use. */
  private make(over: string): string {
    const key = this.keys.current;
    const slot = hash32(over, 0) & (RECENT - 1);
    const known = this.recent[slot];
    if (known !== undefined && known.over === over && known.key === key) return known.token;
    const token = keyedHash(key, over);
    this.recent[slot] = { over, key, token };
    return token;
  }
}

/** Whether a URI is one of the two of a dialog that changes sockets. */
function isHalf(uri: SipUri): boolean {
  return uriParam(uri.params, 'r2') !== undefined;
}

/** A request of the callee names the sockets in reverse order. */
function text(callId: string, a: string, b: string): string {
  return a < b ? `${a} ${b} ${callId}` : `${b} ${a} ${callId}`;
}

function nameOf({ transport, sentBy }: SipSocket): string {
  return `${transport}:${sentBy}`.toLowerCase();
}

/** The socket a URI of ours names, as `nameOf` has it. */
function nameIn(uri: SipUri): string {
  const transport = uriTransport(uri) ?? 'udp';
  return `${transport}:${uri.host}:${uri.port ?? defaultPort(transport)}`.toLowerCase();
}

/** Whether two texts are equal, in a time that does not depend on where they differ. */
function same(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let differences = 0;
  for (let i = 0; i < a.length; i++) differences |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return differences === 0;
}
