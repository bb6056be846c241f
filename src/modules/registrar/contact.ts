import { trimmed } from '../../core/characters.js';
import { parseAddress } from '../../core/name-addr.js';
import { parseUri } from '../../core/uri.js';
import { paramReader, splitList } from '../../pvar/header-values.js';
import type { SipMessage } from '../../sip/message.js';
import type { Flow } from '../../sip/transport/transport.js';

/** Methods of a contact that gave none itself: all. */
export const ALL_METHODS = 0xffffffff;

/** Bits of the column "methods". */
const METHOD_BITS: ReadonlyMap<string, number> = new Map(
  'INVITE CANCEL ACK BYE INFO OPTIONS UPDATE REGISTER MESSAGE SUBSCRIBE NOTIFY PRACK REFER PUBLISH'
    .split(' ')
    .map((name, i) => [name, 1 << i]),
);

/**
 * Maximum length of the texts stored for a contact: its URI (which Kamailio's `contact_max_size` limits further), Path
 * and others.
 */
const MAX_TEXT = 512;
/** Maximum number of contacts read from one request. */
const MAX_IN_REQUEST = 100;

/** The connection on which a contact was registered. */
export interface ContactConnection {
  readonly number: number;
  /** Weak: an open connection is kept by its socket, and a closed one must not stay in memory. */
  readonly flow: WeakRef<Flow>;
  /** Whether the contact is removed when the connection closes (`handle_lost_tcp` of usrloc). */
  readonly needed: boolean;
}

/** An attribute of a contact: field of the XAVP that usrloc's `xavp_contact` names, and value. */
export type ContactAttribute = readonly [field: string, value: string | number];

/** One registered contact. Times are seconds since 1970. */
export interface Binding {
  readonly ruid: string;
  readonly aor: string;
  readonly uri: string;
  readonly received: string | undefined;
  readonly path: string | undefined;
  /** 0: never expires. */
  readonly expires: number;
  /** In thousandths; -1 for none. */
  readonly q: number;
  readonly callId: string;
  readonly cseq: number;
  readonly flags: number;
  readonly cflags: number;
  readonly userAgent: string;
  /** Description of the socket that received the REGISTER. */
  readonly socket: string | undefined;
  readonly methods: number;
  readonly instance: string | undefined;
  readonly regId: number;
  readonly modified: number;
  /** Absent for a contact registered by UDP or read from the database. */
  readonly connection?: ContactConnection | undefined;
  readonly attributes?: readonly ContactAttribute[] | undefined;
  /** Address that sent the REGISTER; absent for a contact read from the database or added by a command. */
  readonly source?: string | undefined;
}

/** A contact in a REGISTER. */
export interface WantedContact {
  readonly uri: string;
  /** From its own parameter or else from the header Expires; undefined when there is neither. */
  readonly expires: number | undefined;
  /** NaN: the parameter is not a q value. */
  readonly q: number | undefined;
  readonly methods: number;
  readonly instance: string | undefined;
  readonly regId: number;
}

/** The contacts in a REGISTER. */
export interface WantedContacts {
  readonly star: boolean;
  /** Number of Contact header fields. */
  readonly fields: number;
  readonly list: readonly WantedContact[];
}

/** Whether a contact has not expired at a time, and the connection it needs, if any, is open. */
export function isValid({ expires, connection }: Binding, now: number): boolean {
  if (connection?.needed === true && connection.flow.deref()?.open !== true) return false;
  return expires === 0 || expires > now;
}

/** Whether a contact accepts requests with a method. */
export function allows({ methods }: Binding, method: string): boolean {
  const bit = METHOD_BITS.get(method);
  return methods === ALL_METHODS || bit === undefined || (methods & bit) !== 0;
}

/** The value of the header Expires of a REGISTER; undefined when it is missing or not a number. */
function expiresOf(message: SipMessage): number | undefined {
  const field = message.nextField('expires');
  return field === undefined ? undefined : secondsOf(trimmed(message.text.slice(field.value, field.end)));
}

/**
 * Parses the Contact fields of a REGISTER; undefined when one of them is invalid. As recorded, the last value of a
 * field comes first.
 */
export function contactsOf(message: SipMessage): WantedContacts | undefined {
  const list: WantedContact[] = [];
  let star = false;
  let fields = 0;
  const inHeader = expiresOf(message);
  for (const { value, end } of message.fields('contact')) {
    const text = message.text.slice(value, end);
    // As recorded, a field without a contact, or with a comma at its end, is refused.
    if (/(?:^|,)[ \t\r\n]*$/.test(text)) return undefined;
    const parts = splitList(text, ',');
    if (list.length + parts.length > MAX_IN_REQUEST) return undefined;
    fields++;
    // As recorded, everything after a star in its field is ignored; a star after a contact is not a contact.
    if (/^\*[ \t\r\n]*(?:;|$)/.test(parts[0] ?? '')) {
      star = true;
      continue;
    }
    for (const part of parts.reverse()) {
      const contact = contactOf(part, inHeader);
      if (contact === undefined) return undefined;
      list.push(contact);
    }
  }
  return { star, fields, list };
}

function contactOf(text: string, inHeader: number | undefined): WantedContact | undefined {
  const { uri, params } = parseAddress(text);
  if (uri.length > MAX_TEXT || parseUri(uri) === undefined) return undefined;
  const param = paramReader(params);
  const [expires, q, methods] = [param('expires'), param('q'), param('methods')];
  const instance = param('+sip.instance')
    ?.replace(/["\\ \t\r\n]/g, '')
    .slice(0, MAX_TEXT);
  return {
    uri,
    expires: (expires === undefined ? undefined : secondsOf(expires)) ?? inHeader,
    q: q === undefined ? undefined : thousandths(q),
    methods: methods === undefined ? ALL_METHODS : bitsOf(methods),
    instance: instance === '' ? undefined : instance,
    regId: secondsOf(param('reg-id') ?? '') ?? 0,
  };
}

function secondsOf(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) <= 0xffffffff ? Number(text) : undefined;
}

/** A q value in thousandths, further digits cut off; NaN for an invalid one. */
function thousandths(text: string): number {
  if (!/^(?:0?(?:\.\d*)?|1(?:\.0*)?)$/.test(text) || text === '') return Number.NaN;
  return Math.floor(Number(`${text}e3`.replace(/\.e/, 'e')) + 1e-6);
}

/** A q value as text: "0.75", "1". */
export function qText(q: number): string {
  return String(q / 1000);
}

function bitsOf(methods: string): number {
  let bits = 0;
  for (const name of methods.split(',')) bits |= METHOD_BITS.get(trimmed(name).toUpperCase()) ?? 0;
  return bits;
}

/** The value of a header field that may have been folded, on one line. */
export function onOneLine(value: string): string {
  return trimmed(value).replace(/[\r\n]+[ \t\r\n]*/g, ' ');
}

/**
 * The values of all fields of a name on one line, such as Path; undefined when there are none or they are too long to
 * store.
 */
export function joinedFields(message: SipMessage, name: string): string | undefined {
  let text = '';
  for (const { value, end } of message.fields(name)) {
    const one = onOneLine(message.text.slice(value, end));
    text += text === '' ? one : `,${one}`;
  }
  return text === '' || text.length > MAX_TEXT ? undefined : text;
}

/** Whether one of the fields with a name contains an option tag. */
export function lists(message: SipMessage, name: string, option: string): boolean {
  for (const { value, end } of message.fields(name)) {
    const options = splitList(message.text.slice(value, end), ',');
    if (options.some((each) => each.toLowerCase() === option)) return true;
  }
  return false;
}
