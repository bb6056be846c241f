import { digitsIn, indexWithin, isAt, isWhiteSpace, trimmed } from '../core/characters.js';
import { parseUri, type SipUri } from '../core/uri.js';
import { hashCallId } from './call-id-hash.js';
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
   * The end of a header field that begins at `line` and whose first line, which ends at `end`, is folded. The end of one
   * with many lines is kept: a script may look for other headers a hundred times.
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

/** Maximum number of header lines of one message; more are taken as an attack. */
const MAX_HEADER_LINES = 512;
/** Longest request line in bytes. */
const MAX_REQUEST_LINE = 8192;
/** @internal Defects that are answered with a status code of their own. */
export const LONG_REQUEST_LINE = `request line of more than ${MAX_REQUEST_LINE} bytes`;
/** @internal */
export const OTHER_VERSION = 'unsupported SIP version';
/** @internal */
export const BAD_NAME = 'a name of a header that other servers may read differently';
/** 1 for the characters of a token (RFC 3261 section 25.1). */
const TOKEN = new Uint8Array(256);
for (const c of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~") TOKEN[c.charCodeAt(0)] = 1;

/**
 * Finds the parts of a message. Returns undefined for text without a recognisable start line; else the message, with
 * `defect` set when it must not be processed. `whole`: the text is a complete datagram, so a missing Content-Length
 * means that the body goes to its end (RFC 3261 section 18.3).
 */
export function parseMessage(text: string, whole = true): SipMessage | undefined {
  const feed = text.indexOf('\n');
  const lineEnd = feed > 0 && text.charCodeAt(feed - 1) === 13 ? feed - 1 : endOfLine(text, 0);
  if (lineEnd < 12) return undefined;
  const message = new SipMessage(text);
  let ofUri: string | undefined;
  if (text.startsWith('SIP/2.0 ')) {
    const status = statusCode(text);
    if (status < 100 || status > 699 || text.charCodeAt(11) > 32) return undefined;
    message.status = status;
  } else if (isAt(text, 0, 'sip/2.0 ')) {
    return withVersion(text, 0, whole);
  } else {
    const version = lineEnd - 7;
    const space = text.indexOf(' ');
    if (space <= 0 || space > 64 || space >= version) return undefined;
    if (!text.startsWith(' SIP/', version - 1)) {
      if (isAt(text, version - 1, ' sip/')) return withVersion(text, version, whole);
      // When only version or spacing of the request line are wrong, and the headers can be read, the request can still
      // be answered.
      if (!/ sip\/[0-9]+\.[0-9]+ *$/i.test(text.slice(0, lineEnd))) return undefined;
      message.defect = 'malformed request line';
    } else if (text.charCodeAt(version + 4) !== 50 || text.charCodeAt(version + 6) !== 48) {
      message.defect = OTHER_VERSION;
    }
    if (lineEnd > MAX_REQUEST_LINE) message.defect ??= LONG_REQUEST_LINE;
    message.isRequest = true;
    message.method = text.slice(0, space);
    message.uriStart = space + 1;
    message.uriEnd = version - 1;
    if (message.uriEnd <= message.uriStart) ofUri = 'empty request-URI';
    else if (!isUriText(text, message.uriStart, message.uriEnd)) ofUri = 'malformed request-URI';
  }
  message.headersStart = lineEnd + 2;
  message.hasBareBreak = feed <= lineEnd || text.indexOf('\r') < lineEnd;
  indexHeaders(message, text);
  if (message.defect === undefined) check(message, text, whole);
  // Last, so that a message with this defect has no other: a script may set another request-URI.
  message.defect ??= ofUri;
  return message;
}

/** Parses a message whose version is written in other letter case (RFC 3261 section 7.1). */
function withVersion(text: string, at: number, whole: boolean): SipMessage | undefined {
  return parseMessage(`${text.slice(0, at)}SIP${text.slice(at + 3)}`, whole);
}

/** The number in the three digits after "SIP/2.0 "; -1 without three digits. */
function statusCode(text: string): number {
  const a = text.charCodeAt(8) - 48;
  const b = text.charCodeAt(9) - 48;
  const c = text.charCodeAt(10) - 48;
  return a >= 0 && a <= 9 && b >= 0 && b <= 9 && c >= 0 && c <= 9 ? a * 100 + b * 10 + c : -1;
}

/**
 * Whether the text could be a URI: it has no blank, control character, quote or angle bracket (RFC 3261 section 25.1).
 */
export function isUriText(text: string, start = 0, end = text.length): boolean {
  for (let at = start; at < end; at++) {
    const c = text.charCodeAt(at);
    if (c <= 32 || c === 34 || c === 60 || c === 62 || c === 127) return false;
  }
  return true;
}

function indexHeaders(message: SipMessage, text: string): void {
  let at = message.headersStart;
  const size = text.length;
  for (let lines = 0; ; lines++) {
    if (text.charCodeAt(at) === 13 && text.charCodeAt(at + 1) === 10) {
      message.headersEnd = at;
      message.bodyStart = at + 2;
      message.bodyEnd = size;
      return;
    }
    let end = endOfHeaderLine(message, text, at);
    if (end < 0) {
      message.headersEnd = Math.min(at, size);
      message.bodyStart = size;
      message.bodyEnd = size;
      message.defect ??= 'headers do not end with an empty line';
      return;
    }
    if (lines > MAX_HEADER_LINES) {
      message.headersEnd = at;
      message.bodyStart = size;
      message.bodyEnd = size;
      message.defect ??= 'too many header fields';
      return;
    }
    const firstEnd = end;
    while (isFold(text, end + 2)) {
      const next = endOfHeaderLine(message, text, end + 2);
      if (next < 0) break;
      end = next;
    }
    const colon = indexWithin(text, ':', at, firstEnd);
    if (colon <= at) {
      message.defect ??= 'a header line has no colon';
    } else if (isBlank(text.charCodeAt(at))) {
      // Possible only after the start line, which is never folded (RFC 3261 section 7.1).
      message.defect ??= 'the first header line begins with a blank';
    } else {
      note(message, text, at, colon, end);
    }
    at = end + 2;
  }
}

/** Records the position of a header that every message needs. The length of the name is compared first. */
function note(message: SipMessage, text: string, line: number, colon: number, end: number): void {
  let nameEnd = colon;
  while (nameEnd > line && isBlank(text.charCodeAt(nameEnd - 1))) nameEnd--;
  // Servers that trim other characters than blanks would find another name here than the rules do.
  if (isOddEnd(text.charCodeAt(nameEnd - 1)) || isOddEnd(text.charCodeAt(line))) message.defect ??= BAD_NAME;
  switch (nameEnd - line) {
    case 1:
      switch (text.charCodeAt(line) | 32) {
        case 118:
          noteVia(message, text, line, colon, end);
          return;
        case 102:
          noteFrom(message, text, colon, end);
          return;
        case 116:
          noteTo(message, text, colon, end);
          return;
        case 105:
          noteCallId(message, text, colon, end);
          return;
        case 108:
          noteContentLength(message, text, colon, end);
          return;
      }
      return;
    case 2:
      if (isAt(text, line, 'to')) noteTo(message, text, colon, end);
      return;
    case 3:
      if (isAt(text, line, 'via')) noteVia(message, text, line, colon, end);
      return;
    case 4:
      if (isAt(text, line, 'from')) noteFrom(message, text, colon, end);
      else if (isAt(text, line, 'cseq')) {
        if (message.cseqValue >= 0) message.defect ??= 'more than one CSeq header';
        message.cseqValue = skipBlank(text, colon + 1, end);
        message.cseqEnd = end;
      }
      return;
    case 5:
      if (isAt(text, line, 'route') && message.routeFields++ === 0) {
        message.routeLine = line;
        message.routeValue = skipBlank(text, colon + 1, end);
        message.routeEnd = end;
      }
      return;
    case 7:
      if (isAt(text, line, 'call-id')) noteCallId(message, text, colon, end);
      return;
    case 9:
      if (message.timestampLine < 0 && isAt(text, line, 'timestamp')) {
        message.timestampLine = line;
        message.timestampEnd = end;
      }
      return;
    case 12:
      if (isAt(text, line, 'max-forwards')) {
        if (message.maxForwardsValue >= 0) message.defect ??= 'more than one Max-Forwards header';
        message.maxForwardsValue = skipBlank(text, colon + 1, end);
        message.maxForwardsEnd = end;
      }
      return;
    case 13:
      if (isAt(text, line, 'proxy-require')) message.hasProxyRequire = true;
      return;
    case 14:
      if (isAt(text, line, 'content-length')) noteContentLength(message, text, colon, end);
      return;
  }
}

function noteVia(message: SipMessage, text: string, line: number, colon: number, end: number): void {
  if (message.viaFields++ > 0) return;
  message.viaLine = line;
  message.viaValue = skipBlank(text, colon + 1, end);
  message.viaEnd = end;
}

function noteFrom(message: SipMessage, text: string, colon: number, end: number): void {
  if (message.fromValue >= 0) message.defect ??= 'more than one From header';
  message.fromValue = skipBlank(text, colon + 1, end);
  message.fromEnd = end;
}

function noteTo(message: SipMessage, text: string, colon: number, end: number): void {
  if (message.toValue >= 0) message.defect ??= 'more than one To header';
  message.toValue = skipBlank(text, colon + 1, end);
  message.toEnd = end;
}

function noteCallId(message: SipMessage, text: string, colon: number, end: number): void {
  if (message.callIdValue >= 0) message.defect ??= 'more than one Call-ID header';
  message.callIdValue = skipBlank(text, colon + 1, end);
  message.callIdEnd = end;
}

function noteContentLength(message: SipMessage, text: string, colon: number, end: number): void {
  if (message.contentLengthValue >= 0) message.defect ??= 'more than one Content-Length header';
  message.contentLengthValue = skipBlank(text, colon + 1, end);
  message.contentLengthEnd = end;
}

/** Does the checks that RFC 3261 section 16.3 requires of a request, and the same for a reply. */
function check(message: SipMessage, text: string, whole: boolean): void {
  if (message.viaLine < 0) message.defect = 'no Via header';
  else if (message.callIdValue < 0 || message.callId === '') message.defect = 'no Call-ID header';
  else if (message.cseqValue < 0) message.defect = 'no CSeq header';
  else if (message.fromValue < 0) message.defect = 'no From header';
  else if (message.toValue < 0) message.defect = 'no To header';
  else checkCseq(message, text);
  if (message.defect === undefined && message.via === undefined) message.defect = 'malformed Via header';
  if (message.defect === undefined) checkLength(message, text, whole);
}

function checkCseq(message: SipMessage, text: string): void {
  let at = message.cseqValue;
  let number = 0;
  const start = at;
  for (let c = text.charCodeAt(at); c >= 48 && c <= 57; c = text.charCodeAt(++at)) number = number * 10 + c - 48;
  if (at === start || at - start > 10 || number > 4294967295) {
    message.defect = 'malformed CSeq header';
    return;
  }
  message.cseqNumber = number;
  while (at < message.cseqEnd && isWhiteSpace(text.charCodeAt(at))) at++;
  let end = message.cseqEnd;
  while (end > at && isWhiteSpace(text.charCodeAt(end - 1))) end--;
  if (message.isRequest) {
    if (end - at !== message.method.length || !text.startsWith(message.method, at)) {
      message.defect = 'CSeq method differs from the request line';
    } else if (!isToken(message.method)) {
      message.defect = 'malformed method';
    }
  } else {
    message.method = text.slice(at, end);
    if (message.method === '') message.defect = 'malformed CSeq header';
  }
}

function checkLength(message: SipMessage, text: string, whole: boolean): void {
  if (message.contentLengthValue < 0) {
    if (!whole) message.defect = 'no Content-Length header on a stream';
    return;
  }
  let length = 0;
  let at = message.contentLengthValue;
  const start = at;
  for (let c = text.charCodeAt(at); c >= 48 && c <= 57; c = text.charCodeAt(++at)) length = length * 10 + c - 48;
  const digits = at - start;
  while (at < message.contentLengthEnd && isWhiteSpace(text.charCodeAt(at))) at++;
  if (digits === 0 || digits > 9 || at !== message.contentLengthEnd) message.defect = 'malformed Content-Length header';
  else if (message.bodyStart + length > text.length) message.defect = 'body shorter than Content-Length';
  else message.bodyEnd = message.bodyStart + length;
}

/** Whether a text is a token (RFC 3261 section 25.1), as names of methods and parameters are. */
export function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (TOKEN[text.charCodeAt(at)] !== 1) return false;
  return text !== '';
}

/** Position of the next CRLF at or after `from`, -1 for none. JavaScript engines search for one character fastest. */
function endOfLine(text: string, from: number): number {
  let at = text.indexOf('\n', from);
  while (at >= 0 && (at === from || text.charCodeAt(at - 1) !== 13)) at = text.indexOf('\n', at + 1);
  return at < 0 ? -1 : at - 1;
}

/** As `endOfLine`, and notes a line feed without CR before it, or a CR without line feed. */
function endOfHeaderLine(message: SipMessage, text: string, from: number): number {
  const feed = text.indexOf('\n', from);
  if (feed > from && text.charCodeAt(feed - 1) === 13) {
    if (text.indexOf('\r', from) !== feed - 1) message.hasBareBreak = true;
    return feed - 1;
  }
  if (feed < 0) return -1;
  message.hasBareBreak = true;
  return endOfLine(text, feed + 1);
}

/** Whether a character is a control character, or none of ASCII: JavaScript's trim() removes the byte A0, for example. */
function isOddEnd(c: number): boolean {
  return c < 32 || c > 126;
}

function isBlank(c: number): boolean {
  return c === 32 || c === 9;
}

function isFold(text: string, at: number): boolean {
  const c = text.charCodeAt(at);
  return c === 32 || c === 9;
}

function skipBlank(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && isWhiteSpace(text.charCodeAt(at))) at++;
  return at;
}

/** Joins the lines of a folded value (RFC 3261 section 7.3.1). */
export function unfold(value: string): string {
  let fold = value.indexOf('\r\n');
  if (fold < 0) return value;
  // The pieces are joined once, since a peer may fold a value ten thousand times.
  const pieces: string[] = [];
  let at = 0;
  for (; fold >= 0; fold = value.indexOf('\r\n', Math.max(at, fold + 2))) {
    let next = fold + 2;
    while (isBlank(value.charCodeAt(next))) next++;
    if (next === fold + 2) continue;
    let end = fold;
    while (end > at && isBlank(value.charCodeAt(end - 1))) end--;
    pieces.push(value.slice(at, end));
    at = next;
  }
  pieces.push(value.slice(at));
  return pieces.join(' ');
}

/**
 * The tag parameter of a From or To value. It is searched after the closing ">", or without one after the first ";".
 */
function tagOf(text: string, start: number, end: number): string {
  let at = start;
  if (text.charCodeAt(at) === 34) {
    at++;
    while (at < end && text.charCodeAt(at) !== 34) at += text.charCodeAt(at) === 92 ? 2 : 1;
  }
  const open = indexWithin(text, '<', at, end);
  if (open >= 0) {
    const close = indexWithin(text, '>', open, end);
    if (close < 0) return '';
    at = close;
  }
  for (;;) {
    const semi = indexWithin(text, ';', at, end);
    if (semi < 0) return '';
    at = skipBlank(text, semi + 1, end);
    if (isAt(text, at, 'tag')) {
      const equals = skipBlank(text, at + 3, end);
      if (text.charCodeAt(equals) === 61) {
        const value = skipBlank(text, equals + 1, end);
        const stop = indexWithin(text, ';', value, end);
        return trimmed(text.slice(value, stop < 0 ? end : stop));
      }
    }
  }
}
