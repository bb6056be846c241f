import { CHARACTERS } from '../core/character-codes.js';
import { indexWithin, trimmed } from '../core/characters.js';
import { parseUri, type SipUri, uriParam } from '../core/uri.js';
import { unfold } from './header-lines.js';
import type { FieldSpan, SipMessage } from './message.js';
import type { TextEdit } from './reply.js';

/** One value of a Route, Record-Route or Contact field. */
export interface RouteValue {
  /** undefined when it is not a SIP URI. */
  readonly uri: SipUri | undefined;
  /** The URI as written. */
  readonly text: string;
  /** The whole value as written, "<...>;params". */
  readonly value: string;
  /**
   * Start and end of the value. Of its field: start of the line, start of the first value, start of the next line,
   * number of values.
   */
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly fieldValue: number;
  readonly next: number;
  readonly inField: number;
}

/** The values of all fields of `name`, in order, at most `limit`. */
export function routeValues(message: SipMessage, name: string, limit = 64): RouteValue[] {
  const values: RouteValue[] = [];
  addFields(message, name, message.headersStart, Number.POSITIVE_INFINITY, values, limit);
  return values;
}

/** Maximum number of Route values of one message that are looked at. */
const MAX_ROUTES = 64;

/** The values of the Route fields. The message knows where they begin, so other headers are not searched. */
export function routeSet(message: SipMessage): RouteValue[] {
  const values: RouteValue[] = [];
  const { text, routeLine: line, routeValue: value, routeEnd: end, routeFields } = message;
  if (routeFields === 0) return values;
  const next = Math.min(end + 2, text.length);
  addValues(text, { line, value, end, next }, values, MAX_ROUTES);
  if (routeFields > 1) addFields(message, 'route', next, routeFields - 1, values, MAX_ROUTES);
  return values;
}

function addFields(
  message: SipMessage,
  name: string,
  from: number,
  fields: number,
  values: RouteValue[],
  limit: number,
): void {
  let at = from;
  for (let left = fields; left > 0 && values.length < limit; left--) {
    const field = message.nextField(name, at);
    if (field === undefined) break;
    addValues(message.text, field, values, limit);
    at = field.next;
  }
}

/** Adds the comma-separated values of a field to `values`; commas inside quotes and angle brackets do not separate. */
function addValues(text: string, field: Omit<FieldSpan, 'nameEnd'>, values: RouteValue[], limit: number): void {
  const { value: start, end } = field;
  const inField = indexWithin(text, ',', start, end) < 0 ? 1 : countValues(text, start, end);
  let from = start;
  for (let i = 0; i < inField && values.length < limit; i++) {
    const to = inField === 1 ? end : endOfValue(text, from, end);
    const value = trimmed(unfold(text.slice(from, to)));
    const uriText = uriOf(value);
    values.push({
      uri: parseUri(uriText),
      text: uriText,
      value,
      start: from,
      end: to,
      line: field.line,
      fieldValue: start,
      next: field.next,
      inField,
    });
    from = to + 1;
    while (from < end && (text.charCodeAt(from) === CHARACTERS.space || text.charCodeAt(from) === CHARACTERS.tab))
      from++;
  }
}

function countValues(text: string, start: number, end: number): number {
  let count = 1;
  for (let at = endOfValue(text, start, end); at < end; at = endOfValue(text, at + 1, end)) count++;
  return count;
}

/** Where the value that begins at `start` ends: at a comma outside quotes and angle brackets, or at `end`. */
function endOfValue(text: string, start: number, end: number): number {
  let quoted = false;
  let angle = false;
  for (let at = start; at < end; at++) {
    const c = text.charCodeAt(at);
    if (quoted) {
      if (c === CHARACTERS.backslash) at++;
      else if (c === CHARACTERS.doubleQuote) quoted = false;
    } else if (c === CHARACTERS.doubleQuote) quoted = true;
    else if (c === CHARACTERS.lessThan) angle = true;
    else if (c === CHARACTERS.greaterThan) angle = false;
    else if (c === CHARACTERS.comma && !angle) return at;
  }
  return end;
}

/** The edits that remove the first `count` values; a line whose values all go is removed entirely. */
export function removeFirst(values: readonly RouteValue[], count: number): TextEdit[] {
  const edits: TextEdit[] = [];
  let at = 0;
  while (at < count) {
    const first = values[at];
    if (first === undefined) break;
    const gone = Math.min(first.inField, count - at);
    const keep = gone < first.inField ? values[at + gone] : undefined;
    if (keep === undefined) edits.push({ start: first.line, end: first.next, text: '' });
    else edits.push({ start: first.fieldValue, end: keep.start, text: '' });
    at += gone;
  }
  return edits;
}

/** The edit that removes the first Route field. */
export function withoutFirstField({ text, routeLine, routeEnd }: SipMessage): TextEdit {
  return { start: routeLine, end: Math.min(routeEnd + 2, text.length), text: '' };
}

/** The edits that remove the last value of a header; its line is removed if it holds no other value. */
export function removeLast(values: readonly RouteValue[]): TextEdit[] {
  const last = values[values.length - 1];
  if (last === undefined) return [];
  if (last.inField === 1) return [{ start: last.line, end: last.next, text: '' }];
  const before = values[values.length - 2] as RouteValue;
  return [{ start: before.end, end: last.end, text: '' }];
}

/** The edits that remove the values in `gone`; a line whose values all go is removed entirely. */
export function removeValues(values: readonly RouteValue[], gone: ReadonlySet<RouteValue>): TextEdit[] {
  const edits: TextEdit[] = [];
  for (let at = 0; at < values.length; ) {
    const first = values[at] as RouteValue;
    const field = values.slice(at, at + first.inField);
    at += first.inField;
    const kept = field.filter((each) => !gone.has(each));
    if (kept.length === 0) edits.push({ start: first.line, end: first.next, text: '' });
    else if (kept.length < field.length) {
      const end = (field[field.length - 1] as RouteValue).end;
      edits.push({ start: first.fieldValue, end, text: kept.map((each) => each.value).join(', ') });
    }
  }
  return edits;
}

/** The URI in a name-addr or addr-spec (RFC 3261 section 25.1). */
export function uriOf(value: string): string {
  let at = 0;
  if (value.charCodeAt(0) === 34) {
    at = 1;
    while (at < value.length && value.charCodeAt(at) !== 34) at += value.charCodeAt(at) === 92 ? 2 : 1;
  }
  const open = value.indexOf('<', at);
  if (open >= 0) {
    const close = value.indexOf('>', open);
    return trimmed(value.slice(open + 1, close < 0 ? value.length : close));
  }
  // Without angle brackets, parameters belong to the header, not to the URI (section 20.10).
  const semi = value.indexOf(';');
  return trimmed(semi < 0 ? value : value.slice(0, semi));
}

/** Whether a Route URI is that of a loose router (parameter lr, RFC 3261 section 19.1.1). */
export function isLoose(uri: SipUri): boolean {
  return uriParam(uri.params, 'lr') !== undefined;
}
