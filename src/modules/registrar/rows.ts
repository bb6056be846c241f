import { trimmed } from '../../core/characters.js';
import { parseUri } from '../../core/uri.js';
import type { PvarValue } from '../../pvar/context.js';
import { databaseTime } from '../sql.js';
import { ALL_METHODS, type Binding } from './contact.js';
import type { Column, UsrlocSettings } from './settings.js';

/** The Julian day of 1970-01-01. */
const JULIAN_1970 = 2_440_587.5;
const DAY = 86_400;
/** A smaller number is a Julian day, as Kamailio's db_sqlite writes times; others are seconds since 1970. */
const MAX_JULIAN = 10_000_000;

/** The last time that a column can store, in seconds since 1970. */
const LAST = 253_402_214_400;

type Values = Record<Column, PvarValue>;

/** A time as a column value: a number, a Julian day in SQLite, else local time as text. */
export function timeColumn(seconds: number, { numbers, url }: UsrlocSettings): PvarValue {
  if (numbers) return seconds;
  if (url.startsWith('sqlite')) return seconds / DAY + JULIAN_1970;
  return databaseTime(seconds * 1000);
}

/** The time in a column, in seconds since 1970; 0 when it is invalid. */
function secondsIn(value: PvarValue): number {
  if (typeof value === 'number') {
    const seconds = value < MAX_JULIAN && value > 1e6 ? Math.round((value - JULIAN_1970) * DAY) : Math.trunc(value);
    return Number.isFinite(seconds) ? Math.min(Math.max(0, seconds), LAST) : 0;
  }
  const text = trimmed(value ?? '');
  if (text !== '' && !Number.isNaN(Number(text))) return secondsIn(Number(text));
  const ms = new Date(text.replace(/^(\d{4}-\d\d-\d\d) /, '$1T')).getTime();
  return Number.isNaN(ms) ? 0 : Math.max(0, Math.round(ms / 1000));
}

/** The column values of a contact. */
export function columnsOf(binding: Binding, settings: UsrlocSettings): Values {
  const at = settings.useDomain ? binding.aor.lastIndexOf('@') : -1;
  return {
    ruid: binding.ruid,
    user: at < 0 ? binding.aor : binding.aor.slice(0, at),
    domain: at < 0 ? null : binding.aor.slice(at + 1),
    contact: binding.uri,
    received: binding.received ?? null,
    path: binding.path ?? null,
    expires: timeColumn(binding.expires, settings),
    q: binding.q < 0 ? -1 : binding.q / 1000,
    callid: binding.callId.slice(0, 255),
    cseq: binding.cseq,
    last_modified: timeColumn(binding.modified, settings),
    flags: binding.flags,
    cflags: binding.cflags,
    user_agent: binding.userAgent.slice(0, 255),
    socket: binding.socket ?? null,
    methods: binding.methods === ALL_METHODS ? null : binding.methods,
    instance: binding.instance ?? null,
    reg_id: binding.regId,
  };
}

/** Maximum length of a text in a row. */
const MAX_TEXT = 1024;
/** Control characters would end a header field, and angle brackets the URI in it. */
const NO_URI = /[\x00-\x20\x7f<>"]/;
const NO_LINE = /[\x00-\x08\x0a-\x1f\x7f]/;

/**
 * The contact of a row, whose values are in the order of `columns`. Undefined for a row without user, contact or name,
 * or with text that may not be in a message: other programs may have written it.
 */
export function bindingOf(
  row: readonly PvarValue[],
  columns: readonly Column[],
  { useDomain }: Pick<UsrlocSettings, 'useDomain'>,
): Binding | undefined {
  const value = (column: Column): PvarValue => row[columns.indexOf(column)] ?? null;
  const text = (column: Column): string | undefined => {
    const found = value(column);
    return found === null || found === '' ? undefined : String(found);
  };
  /** A text that may be written into a header field; undefined for others. */
  const line = (column: Column): string | undefined => {
    const found = text(column);
    return found === undefined || found.length > MAX_TEXT || NO_LINE.test(found) ? undefined : found;
  };
  const number = (column: Column, fallback: number): number => {
    const found = value(column);
    const read = found === null ? Number.NaN : Number(found);
    return Number.isFinite(read) ? Math.trunc(Math.min(Math.max(read, -1), 0xffffffff)) : fallback;
  };
  const [ruid, user, uri] = [text('ruid'), text('user') ?? '', text('contact')];
  const domain = text('domain');
  const aor = useDomain && domain !== undefined ? (user === '' ? domain : `${user}@${domain}`) : user;
  if (ruid === undefined || uri === undefined || aor === '') return undefined;
  if (uri.length > MAX_TEXT || NO_URI.test(uri) || parseUri(uri) === undefined) return undefined;
  if (ruid.length > MAX_TEXT || NO_LINE.test(ruid) || aor.length > MAX_TEXT) return undefined;
  // Without its Path, or the address it was received from, a contact would be reached elsewhere.
  if (text('path') !== line('path') || text('received') !== line('received')) return undefined;
  const q = Number(value('q') ?? -1);
  return {
    ruid,
    aor,
    uri,
    received: text('received')?.replaceAll('"', ''),
    path: text('path'),
    expires: secondsIn(value('expires')),
    q: !(q >= 0) ? -1 : Math.min(1000, Math.round(q * 1000)),
    callId: line('callid') ?? '',
    cseq: number('cseq', 0),
    flags: number('flags', 0),
    cflags: number('cflags', 0),
    userAgent: line('user_agent') ?? '',
    socket: line('socket'),
    methods: number('methods', ALL_METHODS),
    instance: line('instance')?.replace(/["\\ \t\r\n]/g, ''),
    regId: number('reg_id', 0),
    modified: secondsIn(value('last_modified')),
  };
}
