import { indexWithin, isAt, isWhiteSpace } from '../core/characters.js';
import { endOfLine, isBlank, isFold, skipBlank } from './header-lines.js';
import { SipMessage } from './message.js';

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

/**
 * Whether a character is a control character, or none of ASCII: JavaScript's trim() removes the byte A0, for example.
 */
function isOddEnd(c: number): boolean {
  return c < 32 || c > 126;
}
