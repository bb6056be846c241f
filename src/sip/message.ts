import { digitsIn, indexWithin, isAt, isWhiteSpace, trimmed } from '../core/characters.js';
import { parseUri, type SipUri } from '../core/uri.js';
import { hashCallId } from './call-id-hash.js';
import { endOfLine, isBlank, isFold, skipBlank, tagOf, unfold } from './header-lines.js';
import { parseVia, type Via } from './via.js';

/**
 * A SIP message as a lazy view over its bytes, which are kept as one latin1 string (one code unit is one byte). Parsing
 * finds the line ends and records the positions of the headers that a proxy always needs; everything else is looked up
 * on demand. A forwarded message is assembled from pieces of `text`, so that unchanged parts are sent byte for byte as
 * received.
 */
export class SipMessage {
  readonly text: string;
  isRequest = false;
  /** Method of the request line, or of CSeq in a reply. */
  method = '';
  /** Status code of a reply, 0 in a request. */
  status = 0;
  /** Where the request-URI begins and ends. */
  uriStart = 0;
  uriEnd = 0;
  /** Where the first header line begins. */
  headersStart = 0;
  /** Start of the empty line's CRLF: end of the last header line. */
  headersEnd = 0;
  /** Where the body begins and ends. */
  bodyStart = 0;
  bodyEnd = 0;
  /** First Via field: line start, value start, end of value (its CRLF). -1 when absent. */
  viaLine = -1;
  viaValue = -1;
  viaEnd = -1;
  /** Number of Via fields. */
  viaFields = 0;
  fromValue = -1;
  fromEnd = -1;
  toValue = -1;
  toEnd = -1;
  callIdValue = -1;
  callIdEnd = -1;
  cseqValue = -1;
  cseqEnd = -1;
  /** First Route field: line start, value start, end of value; and how many there are. */
  routeLine = -1;
  routeValue = -1;
  routeEnd = -1;
  routeFields = 0;
  maxForwardsValue = -1;
  maxForwardsEnd = -1;
  contentLengthValue = -1;
  contentLengthEnd = -1;
  /** Whether a Proxy-Require header is there. */
  hasProxyRequire = false;
  /** First Timestamp field, which a 100 must copy. */
  timestampLine = -1;
  timestampEnd = -1;
  /** CSeq number. */
  cseqNumber = -1;
  /**
   * Whether the start line or a header line has a CR or a line feed alone, which other servers accept as the end of a
   * line.
   */
  hasBareBreak = false;
  /** Why this message must not be processed, in words; undefined for a valid one. */
  defect: string | undefined = undefined;

  private via0: Via | undefined | null = null;
  private callId0: string | undefined = undefined;
  private isCallIdHashed = false;
  private callIdA0 = 0;
  private callIdB0 = 0;
  private requestUri0: string | undefined = undefined;
  private parsedUri0: SipUri | undefined | null = null;
  private toTag0: string | undefined = undefined;
  /** By start of the field. */
  private foldedEnds: Map<number, number> | undefined = undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** The topmost Via value; undefined when it is absent or does not parse. */
  get via(): Via | undefined {
    if (this.via0 === null) this.via0 = this.viaLine < 0 ? undefined : parseVia(this.text, this.viaValue, this.viaEnd);
    return this.via0;
  }

  /** Request-URI as received; '' in a reply. */
  get requestUri(): string {
    return (this.requestUri0 ??= this.text.slice(this.uriStart, this.uriEnd));
  }

  /** The parsed request-URI; undefined unless it is a SIP, SIPS or tel URI. */
  get parsedUri(): SipUri | undefined {
    if (this.parsedUri0 === null) this.parsedUri0 = parseUri(this.requestUri);
    return this.parsedUri0;
  }

  /** The value of Call-ID; '' when there is none. */
  get callId(): string {
    return (this.callId0 ??= this.callIdValue < 0 ? '' : trimmed(this.text.slice(this.callIdValue, this.callIdEnd)));
  }

  /** The first 32 bits of the Call-ID's hash (`hashCallId`). */
  get callIdA(): number {
    if (!this.isCallIdHashed) this.hashCallId();
    return this.callIdA0;
  }

  /** The other 32 bits of the hash. */
  get callIdB(): number {
    if (!this.isCallIdHashed) this.hashCallId();
    return this.callIdB0;
  }

  private hashCallId(): void {
    const { a, b } = hashCallId(this.text, this.callIdValue, this.callIdValue + this.callId.length);
    this.callIdA0 = a;
    this.callIdB0 = b;
    this.isCallIdHashed = true;
  }

  /** Value of the From header as received. */
  get from(): string {
    return this.fromValue < 0 ? '' : trimmed(unfold(this.text.slice(this.fromValue, this.fromEnd)));
  }

  /** The value of To, unfolded; '' when there is none. */
  get to(): string {
    return this.toValue < 0 ? '' : trimmed(unfold(this.text.slice(this.toValue, this.toEnd)));
  }

  /** The tag of From; '' when there is none. */
  get fromTag(): string {
    return this.fromValue < 0 ? '' : tagOf(this.text, this.fromValue, this.fromEnd);
  }

  /** Where the last of request line, From, To and Call-ID ends, line break included. */
  get identityEnd(): number {
    const { fromEnd, toEnd, callIdEnd, headersStart } = this;
    return Math.min(this.text.length, Math.max(headersStart, fromEnd + 2, toEnd + 2, callIdEnd + 2));
  }

  /** Tag of the To header; '' when it has none: then the request is outside a dialog. */
  get toTag(): string {
    return (this.toTag0 ??= this.toValue < 0 ? '' : tagOf(this.text, this.toValue, this.toEnd));
  }

  /** Reason phrase of a reply. */
  get reason(): string {
    return this.isRequest ? '' : trimmed(this.text.slice(12, this.headersStart - 2));
  }

  /** The body, as long as Content-Length says. */
  get body(): string {
    return this.text.slice(this.bodyStart, this.bodyEnd);
  }

  /** Bytes of the whole message. */
  get length(): number {
    return this.text.length;
  }

  /** The method of a request; for a reply, the method in its CSeq. */
  get cseqMethod(): string {
    return this.method;
  }

  /** Max-Forwards as a number; -1 when absent, NaN when malformed. */
  get maxForwards(): number {
    if (this.maxForwardsValue < 0) return -1;
    let end = this.maxForwardsEnd;
    while (end > this.maxForwardsValue && isWhiteSpace(this.text.charCodeAt(end - 1))) end--;
    const hops = digitsIn(this.text, this.maxForwardsValue, end, 9);
    return hops < 0 ? Number.NaN : hops;
  }

  /** Value of the index-th header field of that name (compact form included), unfolded and trimmed. */
  header(name: string, index = 0): string | undefined {
    let seen = 0;
    for (const field of this.fields(name)) {
      if (seen++ === index) return trimmed(unfold(this.text.slice(field.value, field.end)));
    }
    return undefined;
  }

  /** Values of all header fields of that name, unfolded and trimmed. */
  headers(name: string): string[] {
    const values: string[] = [];
    for (const field of this.fields(name)) values.push(trimmed(unfold(this.text.slice(field.value, field.end))));
    return values;
  }

  /** The number of header fields with that name, in long or compact form. */
  headerCount(name: string): number {
    let count = 0;
    for (const _ of this.fields(name)) count++;
    return count;
  }

  /** All header fields of a name, or all fields. */
  *fields(name?: string): Generator<FieldSpan> {
    for (let field = this.nextField(name); field !== undefined; field = this.nextField(name, field.next)) yield field;
  }

  /**
   * The first header field of a name (or of any name) that begins at or after `from`, which must be the start of a
   * line.
   */
  nextField(name?: string, from = this.headersStart): FieldSpan | undefined {
    const text = this.text;
    const wanted = name?.toLowerCase();
    const compact = wanted === undefined ? undefined : COMPACT[wanted];
    let at = from;
    while (at < this.headersEnd) {
      let end = endOfLine(text, at);
      if (end >= 0 && end < this.headersEnd && isFold(text, end + 2)) end = this.foldedEnd(at, end);
      if (end < 0 || end > this.headersEnd) end = this.headersEnd;
      const colon = indexWithin(text, ':', at, end);
      if (colon > at) {
        let nameEnd = colon;
        while (nameEnd > at && isBlank(text.charCodeAt(nameEnd - 1))) nameEnd--;
        const length = nameEnd - at;
        if (
          (wanted === undefined ? length > 0 : length === wanted.length && isAt(text, at, wanted)) ||
          (length === 1 && compact !== undefined && (text.charCodeAt(at) | 32) === compact)
        ) {
          return {
            line: at,
            nameEnd,
            value: skipBlank(text, colon + 1, end),
            end,
            next: Math.min(end + 2, text.length),
          };
        }
      }
      at = end + 2;
    }
    return undefined;
  }

  /**
   * The end of a header field that begins at `line` and whose first line, which ends at `end`, is folded. The end of
   * one with many lines is kept: a script may look for other headers a hundred times.
   */
  private foldedEnd(line: number, end: number): number {
    const known = this.foldedEnds?.get(line);
    if (known !== undefined) return known;
    let lines = 0;
    for (; end >= 0 && end < this.headersEnd && isFold(this.text, end + 2); lines++)
      end = endOfLine(this.text, end + 2);
    if (lines > MANY_FOLDS) (this.foldedEnds ??= new Map()).set(line, end);
    return end;
  }
}

/** Number of folded lines from which the end of a header field is kept. */
const MANY_FOLDS = 8;

/**
 * The positions of a header field: start of its line, end of its name, start and end of its value, start of the next
 * line.
 */
export interface FieldSpan {
  readonly line: number;
  readonly nameEnd: number;
  readonly value: number;
  readonly end: number;
  readonly next: number;
}

/** RFC 3261 section 7.3.3, RFC 3265, 3515, 3892, 4028, 3841, 4474: compact forms by long name. */
const COMPACT: Readonly<Record<string, number>> = {
  'accept-contact': 97,
  'referred-by': 98,
  'content-type': 99,
  'request-disposition': 100,
  'content-encoding': 101,
  from: 102,
  'call-id': 105,
  'reject-contact': 106,
  supported: 107,
  'content-length': 108,
  contact: 109,
  'identity-info': 110,
  event: 111,
  'refer-to': 114,
  subject: 115,
  to: 116,
  'allow-events': 117,
  via: 118,
  'session-expires': 120,
  identity: 121,
};
