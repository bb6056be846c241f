import { parseAddress } from '../../core/name-addr.js';
import { parseUri } from '../../core/uri.js';
import { paramPairs, splitList } from '../../pvar/header-values.js';
import type { SipMessage } from '../../sip/message.js';

/** All methods: the contact said nothing of its own. */
export const ALL_METHODS = 0xffffffff;

/** Bits of the column "methods". */
const METHOD_BITS: ReadonlyMap<string, number> = new Map(
  'INVITE CANCEL ACK BYE INFO OPTIONS UPDATE REGISTER MESSAGE SUBSCRIBE NOTIFY PRACK REFER PUBLISH'
    .split(' ')
    .map((name, i) => [name, 1 << i]),
);

/** Characters of what a contact may keep: of its URI (Kamailio's `contact_max_size` bounds it further), Path and other texts. */
const MOST_TEXT = 512;
/** Contacts of one request that are looked at. */
export const MOST_IN_REQUEST = 100;

/** One registered contact. Times are seconds since 1970. */
export interface Binding {
  readonly ruid: string;
  readonly aor: string;
  readonly uri: string;
  readonly received: string | undefined;
  readonly path: string | undefined;
  /** 0: it never expires. */
  readonly expires: number;
  /** In thousandths, -1 for none. */
  readonly q: number;
  readonly callId: string;
  readonly cseq: number;
  readonly flags: number;
  readonly cflags: number;
  readonly userAgent: string;
  /** Description of the socket the REGISTER came by. */
  readonly socket: string | undefined;
  readonly methods: number;
  readonly instance: string | undefined;
  readonly regId: number;
  readonly modified: number;
}

/** A contact as a REGISTER asks for it. */
export interface WantedContact {
  readonly uri: string;
  /** As it stands there, or as the header Expires has it; undefined for none. */
  readonly expires: number | undefined;
  /** NaN: it is no q. */
  readonly q: number | undefined;
  readonly methods: number;
  readonly instance: string | undefined;
  readonly regId: number;
}

/** What the Contact fields of a REGISTER ask for. */
export interface WantedContacts {
  readonly star: boolean;
  /** Contact fields there are. */
  readonly fields: number;
  readonly list: readonly WantedContact[];
}

/** Whether a contact holds at a time. */
export function isValid({ expires }: Binding, now: number): boolean {
  return expires === 0 || expires > now;
}

/** Whether a contact takes requests of a method. */
export function allows({ methods }: Binding, method: string): boolean {
  const bit = METHOD_BITS.get(method);
  return methods === ALL_METHODS || bit === undefined || (methods & bit) !== 0;
}

/** The value of the header Expires of a REGISTER; undefined for none or one that is no number. */
export function expiresOf(message: SipMessage): number | undefined {
  const field = message.nextField('expires');
  return field === undefined ? undefined : secondsOf(message.text.slice(field.value, field.end).trim());
}

/** Reads the Contact fields of a REGISTER; undefined where one of them is no contact. As recorded, the last of a field comes first. */
export function contactsOf(message: SipMessage): WantedContacts | undefined {
  const list: WantedContact[] = [];
  let star = false;
  let fields = 0;
  const inHeader = expiresOf(message);
  for (const { value, end } of message.fields('contact')) {
    const parts = splitList(message.text.slice(value, end), ',');
    if (list.length + parts.length > MOST_IN_REQUEST) return undefined;
    fields++;
    // As recorded, nothing counts that follows a star in its field; one that follows a contact is none.
    if (/^\*\s*(?:;|$)/.test(parts[0] ?? '')) {
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
  if (uri.length > MOST_TEXT || parseUri(uri) === undefined) return undefined;
  const pairs = paramPairs(params);
  const param = (name: string): string | undefined => pairs.find(([each]) => each.toLowerCase() === name)?.[1];
  const [expires, q, methods] = [param('expires'), param('q'), param('methods')];
  const instance = param('+sip.instance')
    ?.replace(/["\\\s]/g, '')
    .slice(0, MOST_TEXT);
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

/** A q in thousandths, further digits cut off; NaN for what is none. */
function thousandths(text: string): number {
  if (!/^(?:0?(?:\.\d*)?|1(?:\.0*)?)$/.test(text) || text === '') return Number.NaN;
  return Math.floor(Number(`${text}e3`.replace(/\.e/, 'e')) + 1e-6);
}

/** A q as it is written: "0.75", "1". */
export function qText(q: number): string {
  return String(q / 1000);
}

function bitsOf(methods: string): number {
  let bits = 0;
  for (const name of methods.split(',')) bits |= METHOD_BITS.get(name.trim().toUpperCase()) ?? 0;
  return bits;
}

/** A value of a header field that may have been folded. */
export function onOneLine(value: string): string {
  return value.trim().replace(/[\r\n]+\s*/g, ' ');
}

/** Values of all fields of a name in one line, as Path; undefined for none or for more than is kept. */
export function joinedFields(message: SipMessage, name: string): string | undefined {
  let text = '';
  for (const { value, end } of message.fields(name)) {
    const one = onOneLine(message.text.slice(value, end));
    text += text === '' ? one : `,${one}`;
  }
  return text === '' || text.length > MOST_TEXT ? undefined : text;
}

/** Whether one of the fields of a name lists an option. */
export function lists(message: SipMessage, name: string, option: string): boolean {
  for (const { value, end } of message.fields(name)) {
    const options = splitList(message.text.slice(value, end), ',');
    if (options.some((each) => each.toLowerCase() === option)) return true;
  }
  return false;
}
