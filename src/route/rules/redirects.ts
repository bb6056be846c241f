import { type SipUri, uriParam } from '../../core/uri.js';
import type { Followed, NextHop } from '../../proxy/decision.js';
import type { LocalSockets } from '../../sip/local-sockets.js';
import type { SipMessage } from '../../sip/message.js';
import { parseMessage } from '../../sip/parse-message.js';
import { applyEdits } from '../../sip/reply.js';
import { type RouteValue, removeValues, routeValues } from '../../sip/route-set.js';
import { viaValues } from '../../sip/via-values.js';

/**
 * Maximum number of Contact values of a redirection that is followed; one with more is sent to the caller unchanged.
 */
const MAX_CONTACTS = 256;

/**
 * The targets in the redirections of one request (RFC 3261 section 16.5 and 16.7 step 4): Contacts of 300, 301 and 302
 * in descending order of q, each URI once. 305 and 380 have another meaning and are sent to the caller.
 */
export class Redirects {
  private readonly known = new Set<string>();
  private readonly waiting: string[] = [];
  private readonly secure: boolean;
  private left: number;

  /** `requestUri` is the received one; `tried` has the URIs that have been tried already. */
  constructor(
    requestUri: string,
    tried: readonly string[],
    /** Maximum number of Contacts to follow. */
    max: number,
  ) {
    // A request to a sips URI must not be sent without TLS (section 16.5).
    this.secure = /^sips:/i.test(requestUri);
    this.left = max;
    for (const uri of [requestUri, ...tried]) this.known.add(uri);
  }

  /** Whether there are targets that have not been taken. */
  get pending(): boolean {
    return this.waiting.length > 0;
  }

  /**
   * Adds the Contacts of a reply before the waiting targets: they replace the target that sent the reply. Undefined
   * when no Contact can be followed; the reply is then handled like any other. `max`: maximum number of Contacts from
   * this reply.
   */
  follow(reply: SipMessage, max = Number.POSITIVE_INFINITY): Followed | undefined {
    if (reply.status < 300 || reply.status > 302) return undefined;
    const taken = new Set<RouteValue>();
    const found: string[] = [];
    const contacts = routeValues(reply, 'contact', MAX_CONTACTS + 1);
    if (contacts.length > MAX_CONTACTS) return undefined;
    for (const contact of [...contacts].sort((a, b) => preferenceOf(b.value) - preferenceOf(a.value))) {
      const { uri } = contact;
      if (uri === undefined || uri.scheme === 'tel' || (this.secure && uri.scheme !== 'sips')) continue;
      const text = requestUriOf(contact.text, uri);
      // The caller should not retry a Contact that was tried here or will be.
      if (!this.known.has(text)) {
        if (this.left === 0 || found.length >= max) continue;
        this.left--;
        this.known.add(text);
        found.push(text);
      }
      taken.add(contact);
    }
    if (found.length === 0) return undefined;
    this.waiting.unshift(...found);
    const rest = contacts.length === taken.size ? undefined : withoutValues(reply, contacts, taken);
    return { followed: true, left: rest };
  }

  /** The next URI to try; undefined when there is none. */
  take(): string | undefined {
    return this.waiting.shift();
  }

  /** The next hop to try. */
  next(): NextHop | undefined {
    const uri = this.take();
    return uri === undefined ? undefined : { uri, requestUri: uri };
  }
}

/**
 * Whether a request has passed here before, as when a redirection led back to this proxy. Its redirections are then
 * left to the response context that followed the first one; otherwise redirections to redirections would multiply.
 */
export function hasPassedHere(message: SipMessage, sockets: LocalSockets): boolean {
  for (const via of viaValues(message)) {
    if (sockets.isOursAt(via.host, via.port === 0 ? 5060 : via.port)) return true;
  }
  return false;
}

/** A Contact's URI as a request-URI: without the parts not allowed there (RFC 3261 section 19.1.1, table 1). */
function requestUriOf(text: string, uri: SipUri): string {
  const bare = uri.headers === '' ? text : text.slice(0, text.length - uri.headers.length);
  if (uriParam(uri.params, 'method') === undefined) return bare;
  return bare.slice(0, bare.length - uri.params.length) + uri.params.replace(/;method=[^;]*/gi, '');
}

/** The q of a Contact value (RFC 3261 section 20.10); 1 when it is missing or invalid. */
function preferenceOf(value: string): number {
  const match = /;[ \t]*q[ \t]*=[ \t]*([01](?:\.[0-9]{0,3})?)[ \t]*(?:;|$)/i.exec(
    value.slice(Math.max(0, value.lastIndexOf('>'))),
  );
  return match === null ? 1 : Number(match[1]);
}

function withoutValues(
  reply: SipMessage,
  values: readonly RouteValue[],
  gone: ReadonlySet<RouteValue>,
): SipMessage | undefined {
  return parseMessage(applyEdits(reply.text, 0, removeValues(values, gone)));
}
