import { canonicalIp } from '../core/ip-address.js';
import type { KeyRing } from '../core/key-ring.js';
import { keyedHash } from '../core/keyed-hash.js';
import { hash32 } from '../core/mix.js';
import { defaultPort, type SipUri, uriParam, uriTransport } from '../core/uri.js';
import type { SipSocket } from '../sip/transport/transport.js';

/** @internal Name of the URI parameter that carries the token in our Record-Route. */
export const PARAMETER = 'dt';

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
/** Maximum length of a Call-ID whose token is cached: a peer may send Call-IDs as long as a message. */
const LONGEST_CALL_ID = 256;
/** Maximum number of cached tags (of partitions and addresses). */
const MAX_TAGS = 8192;
/** Characters of a keyed hash that are kept as a tag: 36 bits. */
const TAG = 6;
/** Lengths of the keyed hash, and of a whole token: the hash and two tags. */
const HASH = 16;
/** @internal Length of a whole token. */
export const TOKEN_LENGTH = HASH + 2 * TAG;

/** Data about a dialog that its token contains. */
export interface RecordedDialog {
  /**
   * The tags as the token has them; they are used again when this proxy adds Record-Route to a later request of the
   * dialog.
   */
  readonly tags: string;
  /**
   * Name of the partition that selected the destination; undefined when this process has not written a token with this
   * tag under the current key.
   */
  readonly partition: string | undefined;
  /** Whether this partition selected the destination of the dialog. */
  isOf(partition: string): boolean;
  /** Whether the first request of the dialog came from this address, or was sent to it without a selection. */
  hasEndAt(address: string): boolean;
}

/**
 * The far end of a dialog: the partition that selected its destination, or else the address its first request was sent
 * to.
 */
export type DialogScope = { readonly partition: string } | { readonly address: string };

/**
 * Makes and checks the tokens in our Record-Route URIs. Peers copy these URIs into Route byte for byte (RFC 3261
 * section 12.2.1.1), so that a request inside a dialog proves that the dialog was set up through this proxy.
 *
 * A token is a keyed hash and two tags. The hash covers what stays constant in a dialog: Call-ID, the two sockets, the
 * tags. One tag stands for the partition that routed the dialog, the other for the address it began at. Tags are keyed
 * hashes too: without the key nobody can read them.
 */
export class DialogTokens {
  /** Cache of recent tokens, so that requests that soon follow in the same dialog need no new hash. */
  private readonly recent: (Made | undefined)[] = new Array<Made | undefined>(RECENT).fill(undefined);
  /** Hashes of their Call-IDs: a token that is not the one looked for is then not touched. */
  private readonly hashes = new Uint32Array(RECENT);
  private readonly known = new Map<string, string>();
  /** Names of partitions by their tags. */
  private readonly partitions = new Map<string, string>();
  private tagsKey = '';

  constructor(private readonly keys: KeyRing) {}

  /** The tags of a dialog that `caller` (an address) begins and that leads to `scope`. */
  tags(scope: DialogScope, caller: string): string {
    if (!('partition' in scope)) return this.ofAddress(scope.address) + this.ofAddress(caller);
    const tag = this.tag(PARTITION + scope.partition);
    this.partitions.set(tag, scope.partition);
    return tag + this.ofAddress(caller);
  }

  /**
   * The URI parameter, with its ";", for a dialog whose requests arrive on one socket and leave by another, or by the
   * same.
   */
  parameter(callId: string, inbound: SipSocket, outbound: SipSocket, tags: string): string {
    return `;${PARAMETER}=${this.make(callId, nameOf(inbound), nameOf(outbound), tags)}${tags}`;
  }

  /**
   * Checks the token in the topmost Route values of a request, one URI of ours or a pair of them. Undefined when there
   * is no token, or it was not made for this Call-ID.
   */
  recorded(callId: string, first: SipUri, second: SipUri | undefined): RecordedDialog | undefined {
    const found = uriParam(first.params, PARAMETER);
    if (found === undefined || found.length !== TOKEN_LENGTH) return undefined;
    const pair = second !== undefined && isHalf(first) && isHalf(second) ? second : first;
    const tags = found.slice(HASH);
    const token = found.slice(0, HASH);
    const [a, b] = [nameIn(first), nameIn(pair)];
    if (same(token, this.make(callId, a, b, tags))) return this.dialog(tags, this.keys.current);
    return this.verifiedDialog(token, tags, text(callId, a, b, tags));
  }

  /** The URI parameter, with its ";", of a token that covers Call-ID and tags but no sockets. */
  parameterOfCall(callId: string, tags: string): string {
    return `;${PARAMETER}=${keyedHash(this.keys.current, ofCall(callId, tags))}${tags}`;
  }

  /** Checks a token made by `parameterOfCall`; undefined when the URI has none, or it was made for another Call-ID. */
  recordedOfCall(callId: string, uri: SipUri): RecordedDialog | undefined {
    const found = uriParam(uri.params, PARAMETER);
    if (found === undefined || found.length !== TOKEN_LENGTH) return undefined;
    const tags = found.slice(HASH);
    const token = found.slice(0, HASH);
    return this.verifiedDialog(token, tags, ofCall(callId, tags));
  }

  /** The dialog of a token; undefined when no key of the ring gives this token for the text `over`. */
  private verifiedDialog(token: string, tags: string, over: string): RecordedDialog | undefined {
    let dialog: RecordedDialog | undefined;
    this.keys.some((key) => {
      if (!same(token, keyedHash(key, over))) return false;
      dialog = this.dialog(tags, key);
      return true;
    });
    return dialog;
  }

  private dialog(tags: string, key: string): RecordedDialog {
    const partition = key === this.tagsKey ? this.partitions.get(tags.slice(0, TAG)) : undefined;
    return new TaggedDialog(this, tags, key, partition);
  }

  /** @internal The tag of a partition by a key. */
  ofPartition(partition: string, key: string): string {
    return this.tag(PARTITION + partition, key);
  }

  /** @internal The tag of an address by a key, the one in use unless another is given. */
  ofAddress(address: string, key?: string): string {
    return this.tag(ADDRESS + (canonicalIp(address) ?? address), key);
  }

  private tag(over: string, key = this.keys.current): string {
    if (key !== this.keys.current) return keyedHash(key, over).slice(0, TAG);
    if (this.tagsKey !== key || this.known.size > MAX_TAGS) {
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

  /** The token of a dialog, made with the current key. */
  private make(callId: string, a: string, b: string, tags: string): string {
    const key = this.keys.current;
    const hash = hash32(callId, 0);
    const slot = hash & (RECENT - 1);
    const known = this.hashes[slot] === hash ? this.recent[slot] : undefined;
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
    // Copied to a flat string: V8 keeps a substring's whole parent alive, and the Call-ID is a substring of the
    // message.
    const over = flat(text(callId, a, b, tags));
    const token = keyedHash(key, over);
    if (callId.length > LONGEST_CALL_ID) return token;
    this.hashes[slot] = hash;
    this.recent[slot] = { callId: over.slice(over.length - callId.length), first, second, tags, key, token };
    return token;
  }
}

/** A dialog by the tags in its token. */
class TaggedDialog implements RecordedDialog {
  constructor(
    private readonly tokens: DialogTokens,
    readonly tags: string,
    private readonly key: string,
    readonly partition: string | undefined,
  ) {}

  isOf(partition: string): boolean {
    return this.tags.startsWith(this.tokens.ofPartition(partition, this.key));
  }

  hasEndAt(address: string): boolean {
    const tag = this.tokens.ofAddress(address, this.key);
    return this.tags.startsWith(tag) || this.tags.startsWith(tag, TAG);
  }
}

/**
 * First words of the texts that tags are hashes of. The text of a token starts with the name of a socket, so that no
 * tag can equal a part of a token.
 */
const PARTITION = 'partition ';
const ADDRESS = 'address ';
/** First word of the text that a token without sockets is a hash of. */
const CALL = 'call ';

function ofCall(callId: string, tags: string): string {
  return `${CALL}${tags} ${callId}`;
}

/** Whether a URI is one of the two Record-Route URIs of a dialog that changes sockets. */
function isHalf(uri: SipUri): boolean {
  return uriParam(uri.params, 'r2') !== undefined;
}

/** The text a token is a hash of. The sockets are sorted, since a request of the callee names them in reverse order. */
function text(callId: string, a: string, b: string, tags: string): string {
  return a < b ? `${a} ${b} ${tags} ${callId}` : `${b} ${a} ${tags} ${callId}`;
}

/** The same string, flat. V8 keeps a concatenated string as references to its parts until a character of it is read. */
function flat(text: string): string {
  return text.charCodeAt(0) === 0 ? '' : text;
}

/** Cached names of sockets: every request asks for one. */
const named = new WeakMap<SipSocket, { readonly sentBy: string; readonly name: string }>();

function nameOf(socket: SipSocket): string {
  const { transport, sentBy } = socket;
  const known = named.get(socket);
  if (known?.sentBy === sentBy) return known.name;
  const name = `${transport}:${sentBy}`.toLowerCase();
  named.set(socket, { sentBy, name });
  return name;
}

/** The last result of `nameIn`: most requests arrive by the same socket as the one before. */
let last = { host: '', port: 0, transport: '', name: '' };

/** Name of the socket that a URI of ours names, in the form `nameOf` gives. */
function nameIn(uri: SipUri): string {
  const transport = uriTransport(uri) ?? 'udp';
  const port = uri.port ?? defaultPort(transport);
  if (port === last.port && transport === last.transport && uri.host === last.host) return last.name;
  const name = `${transport}:${uri.host}:${port}`.toLowerCase();
  // `host` is cut out of `name`: a substring of the message would keep the whole message alive.
  last = { host: name.slice(transport.length + 1, name.length - String(port).length - 1), port, transport, name };
  return name;
}

/** Whether two texts are equal, in a time that does not depend on where they differ (no timing side channel). */
function same(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let differences = 0;
  for (let i = 0; i < a.length; i++) differences |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return differences === 0;
}
