import type { PvarValue } from '../../pvar/context.js';
import { ALL_METHODS, type Binding } from './contact.js';
import type { Column, UsrlocSettings } from './settings.js';

/** Days from the beginning of Julian days to 1970. */
const JULIAN_1970 = 2_440_587.5;
const DAY = 86_400;
/** Numbers below are Julian days, as Kamailio's db_sqlite writes times; above seconds since 1970. */
const MOST_JULIAN = 10_000_000;

type Values = Record<Column, PvarValue>;

const two = (value: number): string => String(value).padStart(2, '0');

/** A time as a column has it: a number, Julian days in SQLite, else local time as text. */
function timeColumn(seconds: number, { numbers, url }: UsrlocSettings): PvarValue {
  if (numbers) return seconds;
  if (url.startsWith('sqlite')) return seconds / DAY + JULIAN_1970;
  const at = new Date(seconds * 1000);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** The time a column holds, in seconds since 1970; 0 for what is none. */
export function secondsIn(value: PvarValue): number {
  if (typeof value === 'number')
    return Math.max(0, value < MOST_JULIAN && value > 1e6 ? Math.round((value - JULIAN_1970) * DAY) : value);
  const text = (value ?? '').trim();
  if (text !== '' && !Number.isNaN(Number(text))) return secondsIn(Number(text));
  const ms = new Date(text.replace(/^(\d{4}-\d\d-\d\d) /, '$1T')).getTime();
  return Number.isNaN(ms) ? 0 : Math.max(0, Math.round(ms / 1000));
}

/** Values of the columns for a contact. */
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

/** The contact of a row, its columns in the order of `columns`; undefined for a row without user, contact or name. */
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
  const number = (column: Column, fallback: number): number => {
    const found = value(column);
    const read = found === null ? Number.NaN : Number(found);
    return Number.isFinite(read) ? read : fallback;
  };
  const [ruid, user, uri] = [text('ruid'), text('user') ?? '', text('contact')];
  const domain = text('domain');
  const aor = useDomain && domain !== undefined ? (user === '' ? domain : `${user}@${domain}`) : user;
  if (ruid === undefined || uri === undefined || aor === '') return undefined;
  const q = number('q', -1);
  return {
    ruid,
    aor,
    uri,
    received: text('received'),
    path: text('path'),
    expires: secondsIn(value('expires')),
    q: q < 0 ? -1 : Math.min(1000, Math.round(q * 1000)),
    callId: text('callid') ?? '',
    cseq: number('cseq', 0),
    flags: number('flags', 0),
    cflags: number('cflags', 0),
    userAgent: text('user_agent') ?? '',
    socket: text('socket'),
    methods: number('methods', ALL_METHODS),
    instance: text('instance'),
    regId: number('reg_id', 0),
    modified: secondsIn(value('last_modified')),
  };
}
