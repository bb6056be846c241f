import { digitsIn, indexWithin, isWhiteSpace } from '../core/characters.js';

/** One Via value (RFC 3261 section 20.42) with positions in its message. */
export interface Via {
  /** Transport as written, upper case: "UDP", "TCP", "TLS", "WS", "WSS". */
  readonly transport: string;
  /** sent-by host as written (an IPv6 reference with brackets). */
  readonly host: string;
  /** sent-by port, 0 when absent. */
  readonly port: number;
  /** The branch; '' when absent. */
  readonly branch: string;
  /** Where the branch begins; 0 when absent. */
  readonly branchStart: number;
  /** Whether there is an rport parameter, with or without value (RFC 3581). */
  readonly rport: boolean;
  /** Value of rport, 0 when absent. */
  readonly rportValue: number;
  readonly received: string;
  readonly maddr: string;
  /** Where the value begins and ends: at the comma before the next value, or at the end of the field. */
  readonly start: number;
  readonly end: number;
  /** Whether another value follows in the same field; `end` is then the position of the comma. */
  readonly more: boolean;
  /** Where the rport parameter begins (at its ";") and ends; 0 and 0 when absent. */
  readonly rportStart: number;
  readonly rportEnd: number;
  /** Where the received parameter begins (at its ";") and ends; 0 and 0 when absent. */
  readonly receivedStart: number;
  readonly receivedEnd: number;
}

/** Parses the first Via value of a field. Returns undefined when it is malformed. */
export function parseVia(text: string, start: number, fieldEnd: number): Via | undefined {
  let end = indexWithin(text, ',', start, fieldEnd);
  const more = end >= 0;
  if (more) {
    // A comma inside a quoted parameter does not end the value.
    if (indexWithin(text, '"', start, end) >= 0) end = commaOutsideQuotes(text, start, fieldEnd);
  } else {
    end = fieldEnd;
  }
  let at = start;
  let portAt = -1;
  if (!text.startsWith('SIP/2.0/', at)) {
    // Spaces around the slashes and other letter case are legal, though unusual (RFC 3261 section 25.1: sent-protocol).
    const match = /^SIP[ \t\r\n]*\/[ \t\r\n]*2\.0[ \t\r\n]*\/[ \t\r\n]*/i.exec(text.slice(start, end));
    if (match === null) return undefined;
    at += match[0].length;
  } else {
    at += 8;
  }
  const transportStart = at;
  while (at < end && !isWhiteSpace(text.charCodeAt(at))) at++;
  if (at === transportStart || at - transportStart > 16) return undefined;
  const transport = transportName(text, transportStart, at);
  while (at < end && isWhiteSpace(text.charCodeAt(at))) at++;
  let semi = indexWithin(text, ';', at, end);
  if (semi < 0) semi = end;
  let sentByEnd = semi;
  while (sentByEnd > at && isWhiteSpace(text.charCodeAt(sentByEnd - 1))) sentByEnd--;
  let hostEnd = at;
  if (text.charCodeAt(at) === 91) {
    hostEnd = indexWithin(text, ']', at, sentByEnd) + 1;
    if (hostEnd === 0 || !isHostText(text, at, hostEnd)) return undefined;
    // Text between the closing bracket and the port is ignored.
    portAt = indexWithin(text, ':', hostEnd, sentByEnd);
  } else {
    while (hostEnd < sentByEnd && text.charCodeAt(hostEnd) !== 58) hostEnd++;
    if (hostEnd < sentByEnd) portAt = hostEnd;
    while (hostEnd > at && isWhiteSpace(text.charCodeAt(hostEnd - 1))) hostEnd--;
    if (hostEnd === at || !isHostText(text, at, hostEnd)) return undefined;
  }
  const host = text.slice(at, hostEnd);
  let port = 0;
  if (portAt >= 0) {
    portAt++;
    while (portAt < sentByEnd && isWhiteSpace(text.charCodeAt(portAt))) portAt++;
    port = digitsIn(text, portAt, sentByEnd, 5);
    if (port < 0 || port > 65535) return undefined;
  }
  let branch = '';
  let branchStart = 0;
  let rport = false;
  let rportValue = 0;
  let received = '';
  let maddr = '';
  let rportStart = 0;
  let rportEnd = 0;
  let receivedStart = 0;
  let receivedEnd = 0;
  at = semi;
  while (at < end) {
    let next = indexWithin(text, ';', at + 1, end);
    if (next < 0) next = end;
    let name = at + 1;
    while (name < next && isWhiteSpace(text.charCodeAt(name))) name++;
    let stop = next;
    while (stop > name && isWhiteSpace(text.charCodeAt(stop - 1))) stop--;
    if (stop === name) return undefined;
    switch (text.charCodeAt(name) | 32) {
      case 98: // branch
        if (isParam(text, name, stop, 'branch')) {
          branchStart = valueStart(text, name + 6, stop);
          branch = text.slice(branchStart, stop);
        }
        break;
      case 114: // rport, received
        if (isParam(text, name, stop, 'rport')) {
          rport = true;
          rportStart = at;
          rportEnd = stop;
          const value = digitsIn(text, valueStart(text, name + 5, stop), stop, 5);
          if (value >= 0) rportValue = value;
        } else if (isParam(text, name, stop, 'received')) {
          received = paramValue(text, name + 8, stop);
          receivedStart = at;
          receivedEnd = stop;
        }
        break;
      case 109: // maddr
        if (isParam(text, name, stop, 'maddr')) maddr = paramValue(text, name + 5, stop);
        break;
    }
    at = next;
  }
  let valueEnd = end;
  while (valueEnd > start && isWhiteSpace(text.charCodeAt(valueEnd - 1))) valueEnd--;
  return {
    transport,
    host,
    port,
    branch,
    branchStart,
    rport,
    rportValue,
    received,
    maddr,
    start,
    end: more && end < fieldEnd ? end : valueEnd,
    more: more && end < fieldEnd,
    rportStart,
    rportEnd,
    receivedStart,
    receivedEnd,
  };
}

/** The transport in upper case; for the usual ones without an allocation. */
function transportName(text: string, start: number, end: number): string {
  if (end - start === 3) {
    if (text.startsWith('UDP', start)) return 'UDP';
    if (text.startsWith('TCP', start)) return 'TCP';
    if (text.startsWith('TLS', start)) return 'TLS';
  }
  return text.slice(start, end).toUpperCase();
}

/** Whether the text could be a host: it has no white space, angle bracket, "@" or comma. */
function isHostText(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const c = text.charCodeAt(at);
    if (c === 60 || c === 62 || c === 64 || c === 44 || c === 160 || isWhiteSpace(c) || c === 11 || c === 12)
      return false;
  }
  return true;
}

function commaOutsideQuotes(text: string, start: number, end: number): number {
  let quoted = false;
  for (let at = start; at < end; at++) {
    const c = text.charCodeAt(at);
    if (quoted && c === 92) at++;
    else if (c === 34) quoted = !quoted;
    else if (c === 44 && !quoted) return at;
  }
  return end;
}

function isParam(text: string, start: number, stop: number, lower: string): boolean {
  if (stop - start < lower.length) return false;
  for (let i = 0; i < lower.length; i++) if ((text.charCodeAt(start + i) | 32) !== lower.charCodeAt(i)) return false;
  if (start + lower.length === stop) return true;
  const after = text.charCodeAt(start + lower.length);
  return after === 61 || isWhiteSpace(after);
}

/** Where the value of a parameter begins whose name ends at `from`; `stop` when it has no value. */
function valueStart(text: string, from: number, stop: number): number {
  let at = from;
  while (at < stop && isWhiteSpace(text.charCodeAt(at))) at++;
  if (at >= stop || text.charCodeAt(at) !== 61) return stop;
  at++;
  while (at < stop && isWhiteSpace(text.charCodeAt(at))) at++;
  return at;
}

function paramValue(text: string, from: number, stop: number): string {
  return text.slice(valueStart(text, from, stop), stop);
}
