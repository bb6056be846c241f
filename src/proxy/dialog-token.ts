import { canonicalIp } from '../core/ip-address.js';
import type { KeyRing } from '../core/key-ring.js';
import { keyedHash } from '../core/keyed-hash.js';
import { hash32 } from '../core/mix.js';
import { defaultPort, type SipUri, uriParam, uriTransport } from '../core/uri.js';
import type { SipSocket } from '../sip/transport/transport.js';

/** Parameter of our Record-Route URI that shows it is ours. */
const PARAMETER = 'dt';

interface Made {
  readonly callId: string;
  readonly first: string;
  readonly second: string;
  readonly tags: string;
  readonly key: string;
  readonly token: string;
}

/** Number of cached tokens, a power of two. */
const RECENT = 4096;
/** Cached tags of partitions and callers at most. */
const MOST_TAGS = 8192;
/** Characters of a keyed hash that make a tag: 36 bits. */
const TAG = 6;
/** A token is the keyed hash and two tags. */
const HASH = 16;
const LENGTH = HASH + 2 * TAG;

/** What the token of a dialog says of it. */
export interface RecordedDialog {
  /** As they stand in the token: for what is recorded of the same dialog again. */
  readonly tags: string;
  /** Name of the partition, where this process has written tokens of it; undefined when that is not known. */
  readonly partition: string | undefined;
  /** Whether a destination of this partition was selected for it. */
  isOf(partition: string): boolean;
  /** Whether its first request came from this address, or went there without a selection. */
  hasEndAt(address: string): boolean;
}

/** Where a dialog leads: the partition that selected its destination, or else the address its first request was sent to. */
export type DialogScope = { readonly partition: string } | { readonly address: string };

/**
 * Tokens in our Record-Route URIs. Peers copy them into Route byte for byte (RFC 3261 section 12.2.1.1), so that a request
 * inside a dialog proves that the dialog was set up through this proxy. A token is a keyed hash over the constants of a
 * dialog: its Call-ID, the sockets it passes through, and two tags: one of the partition it was routed by, one of the
 * address it began at. The tags stand after the hash; without the key they say nothing.
 */
export class DialogTokens {
  /** Cache of recent tokens: requests that soon follow in the same dialog need no new hash. */
  private readonly recent: (Made | undefined)[] = new Array<Made | undefined>(RECENT).fill(undefined);
  private readonly known = new Map<string, string>();
  /** Partitions by their tags. */
  private readonly partitions = new Map<string, string>();
  private tagsKey = '';

  constructor(private readonly keys: KeyRing) {}

  /** The tags of a dialog that begins at an address and leads to a scope. */
  tags(scope: DialogScope, caller: string): string {
    if (!('partition' in scope)) return this.ofAddress(scope.address) + this.ofAddress(caller);
    const tag = this.tag(PARTITION + scope.partition);
    this.partitions.set(tag, scope.partition);
    return tag + this.ofAddress(caller);
  }

  /** The URI parameter, with its ";", for a dialog that arrives on one socket and leaves by another, or the same. */
  parameter(callId: string, inbound: SipSocket, outbound: SipSocket, tags: string): string {
    return `;${PARAMETER}=${this.make(callId, nameOf(inbound), nameOf(outbound), tags)}${tags}`;
  }

  /**
   * The dialog with this Call-ID that URIs of ours on top of a request's Route, one or a pair, carry the token of; undefined for
   * none of ours.
   */
  recorded(callId: string, first: SipUri, second: SipUri | undefined): RecordedDialog | undefined {
    const found = uriParam(first.params, PARAMETER);
    if (found === undefined || found.length !== LENGTH) return undefined;
    const pair = second !== undefined && isHalf(first) && isHalf(second) ? second : first;
    const tags = found.slice(HASH);
    const token = found.slice(0, HASH);
    const [a, b] = [nameIn(first), nameIn(pair)];
    if (same(token, this.make(callId, a, b, tags))) return this.dialog(tags, this.keys.current);
    return this.madeOver(token, tags, text(callId, a, b, tags));
  }

  /** The URI parameter, with its ";", for all dialogs of a Call-ID with these tags, whatever sockets they pass through. */
  parameterOfCall(callId: string, tags: string): string {
    return `;${PARAMETER}=${keyedHash(this.keys.current, ofCall(callId, tags))}${tags}`;
  }

  /** The dialog of this Call-ID that a URI of ours carries the token of; undefined for none. */
  recordedOfCall(callId: string, uri: SipUri): RecordedDialog | undefined {
    const found = uriParam(uri.params, PARAMETER);
    if (found === undefined || found.length !== LENGTH) return undefined;
    const tags = found.slice(HASH);
    const token = found.slice(0, HASH);
    return this.madeOver(token, tags, ofCall(callId, tags));
  }

  /** The dialog of a token that one of the keys made over a text. */
  private madeOver(token: string, tags: string, over: string): RecordedDialog | undefined {
    let dialog: RecordedDialog | undefined;
    this.keys.some((key) => {
      if (!same(token, keyedHash(key, over))) return false;
      dialog = this.dialog(tags, key);
      return true;
    });
    return dialog;
  }

  private dialog(tags: string, key: string): RecordedDialog {
    const [scope, caller] = [tags.slice(0, TAG), tags.slice(TAG)];
    return {
      tags,
      partition: key === this.tagsKey ? this.partitions.get(scope) : undefined,
      isOf: (partition) => scope === this.tag(PARTITION + partition, key),
      hasEndAt: (address) => {
        const tag = this.ofAddress(address, key);
        return tag === caller || tag === scope;
      },
    };
  }

  private ofAddress(address: string, key?: string): string {
    return this.tag(ADDRESS + (canonicalIp(address) ?? address), key);
  }

  private tag(over: string, key = this.keys.current): string {
    if (key !== this.keys.current) return keyedHash(key, over).slice(0, TAG);
    if (this.tagsKey !== key || this.known.size > MOST_TAGS) {
      this.known.clear();
      this.partitions.clear();
      this.tagsKey = key;
    }
    const known = this.known.get(over);
    if (known !== undefined) return known;
    const made = keyedHash(key, over).slice(0, TAG);
    this.known.set(over, made);
    return made;
  }

  /** The token over the constants of a dialog by the key in use. */
  private make(callId: string, a: string, b: string, tags: string): string {
    const key = this.keys.current;
    const slot = hash32(callId, 0) & (RECENT - 1);
    const known = this.recent[slot];
    const [first, second] = a < b ? [a, b] : [b, a];
    if (
      known !== undefined &&
      known.callId === callId &&
      known.tags === tags &&
      known.first === first &&
      known.second === second &&
      known.key === key
    )
      return known.token;
    // Flat, and a copy: it must not keep the message that the Call-ID is a part of.
    const over = flat(text(callId, a, b, tags));
    const token = keyedHash(key, over);
    this.recent[slot] = { callId: over.slice(over.length - callId.length), first, second, tags, key, token };
    return token;
  }
}

/** What a tag is of. No token is made over a text that begins so: sockets stand first there. */
const PARTITION = 'partition ';
const ADDRESS = 'address ';
/** What the token of a call is made over begins so. */
const CALL = 'call ';

function ofCall(callId: string, tags: string): string {
  return `${CALL}${tags} ${callId}`;
}

/** Whether a URI is one of the two of a dialog that changes sockets. */
function isHalf(uri: SipUri): boolean {
  return uriParam(uri.params, 'r2') !== undefined;
}

/** A request of the callee names the sockets in reverse order. */
function text(callId: string, a: string, b: string, tags: string): string {
  return a < b ? `${a} ${b} ${tags} ${callId}` : `${b} ${a} ${tags} ${callId}`;
}

/** The same text without its parts: one that was put together keeps them until a character of it is read. */
function flat(text: string): string {
  return text.charCodeAt(0) === 0 ? '' : text;
}

/** Names of sockets as they were asked for last: one is asked for with each request. */
const named = new WeakMap<SipSocket, { readonly sentBy: string; readonly name: string }>();

function nameOf(socket: SipSocket): string {
  const { transport, sentBy } = socket;
  const known = named.get(socket);
  if (known?.sentBy === sentBy) return known.name;
  const name = `${transport}:${sentBy}`.toLowerCase();
  named.set(socket, { sentBy, name });
  return name;
}

/** What `nameIn` gave last: most requests come back to the same socket. */
let last = { host: '', port: 0, transport: '', name: '' };

/** The socket a URI of ours names, as `nameOf` has it. */
function nameIn(uri: SipUri): string {
  const transport = uriTransport(uri) ?? 'udp';
  const port = uri.port ?? defaultPort(transport);
  if (port === last.port && transport === last.transport && uri.host === last.host) return last.name;
  const name = `${transport}:${uri.host}:${port}`.toLowerCase();
  // A copy: the host is a part of a message, which must not be kept for it.
  last = { host: name.slice(transport.length + 1, name.length - String(port).length - 1), port, transport, name };
  return name;
}

/** Whether two texts are equal, in a time that does not depend on where they differ. */
function same(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let differences = 0;
  for (let i = 0; i < a.length; i++) differences |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return differences === 0;
}
