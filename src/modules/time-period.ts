import { trimmed } from '../core/characters.js';
import { dayOfYear } from '../pvar/time-format.js';

/** Maximum length of a period: scripts may take it from a peer. */
const LONGEST = 4096;

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['su', 'mo', 'tu', 'we', 'th', 'fr', 'sa'];

/** A scale: its minimum and maximum, names of its numbers, and its value at a time. */
interface Scale {
  readonly least: number;
  readonly max: number;
  readonly names?: { readonly words: readonly string[]; readonly letters: number };
  /** Whether a range may begin with the greater number. */
  readonly wraps: boolean;
  at(time: Date): number;
}

const scale = (least: number, max: number, at: Scale['at'], more: Partial<Scale> = {}): Scale => ({
  least,
  max,
  at,
  wraps: true,
  ...more,
});

const YEAR = scale(0, 9999, (time) => time.getFullYear(), { wraps: false });
const MONTH = scale(1, 12, (time) => time.getMonth() + 1, { names: { words: MONTHS, letters: 3 } });
// As observed with 5.6.3: the number of Sundays of the month so far, at least 1.
const WEEK = scale(1, 6, (time) => Math.max(1, Math.floor((time.getDate() + 6 - time.getDay()) / 7)));
const YEAR_DAY = scale(1, 366, dayOfYear);
const MONTH_DAY = scale(1, 31, (time) => time.getDate());
const WEEKDAY = scale(1, 7, (time) => time.getDay() + 1, { names: { words: WEEKDAYS, letters: 2 } });
const HOUR = scale(0, 23, (time) => time.getHours());
const MINUTE = scale(0, 59, (time) => time.getMinutes());
const SECOND = scale(0, 60, (time) => time.getSeconds());

/** A Map, since scripts may take the names from a peer. */
const SCALES: ReadonlyMap<string, Scale> = new Map([
  ['year', YEAR],
  ['yr', YEAR],
  ['month', MONTH],
  ['mo', MONTH],
  ['week', WEEK],
  ['wk', WEEK],
  ['yday', YEAR_DAY],
  ['yd', YEAR_DAY],
  ['mday', MONTH_DAY],
  ['md', MONTH_DAY],
  ['wday', WEEKDAY],
  ['wd', WEEKDAY],
  ['hour', HOUR],
  ['hr', HOUR],
  ['minute', MINUTE],
  ['min', MINUTE],
  ['second', SECOND],
  ['sec', SECOND],
]);

/**
 * Parses a value of a scale; undefined for one out of range. In a scale without names, a text that is not a number
 * counts as 0.
 */
function numberOf({ least, max, names }: Scale, text: string): number | undefined {
  if (names !== undefined && !/^\d/.test(text)) {
    const index = names.words.indexOf(text.slice(0, names.letters).toLowerCase());
    return index < 0 ? undefined : index + 1;
  }
  const number = Number(/^\d{1,9}/.exec(text)?.[0] ?? 0);
  return number < least || number > max ? undefined : number;
}

/**
 * Whether a time is in a period of Perl's Time::Period: "wd{2-6} hr{8-16}, wd{7}". As observed with 5.6.3, an invalid
 * period contains all times. Takes linear time.
 */
export function timePeriodHolds(text: string, time: Date): boolean {
  if (text.length > LONGEST) return false;
  return text.split(',').some((each) => partMatches(each, time) !== false);
}

/** Whether a time matches all scales of a part; undefined for an invalid part. */
function partMatches(text: string, time: Date): boolean | undefined {
  const wanted = new Map<Scale, boolean>();
  const pattern = /[ \t\r\n]*([a-z]+)[ \t\r\n]*\{([^{}]*)\}[ \t\r\n]*/iy;
  for (let at = 0; trimmed(text.slice(at)) !== ''; at = pattern.lastIndex) {
    pattern.lastIndex = at;
    const [, name = '', values = ''] = pattern.exec(text) ?? [];
    const known = SCALES.get(name.toLowerCase());
    if (known === undefined) return undefined;
    const holds = valuesHold(known, values, known.at(time));
    if (holds === undefined) return undefined;
    wanted.set(known, holds || wanted.get(known) === true);
  }
  return [...wanted.values()].every(Boolean);
}

function valuesHold(known: Scale, text: string, now: number): boolean | undefined {
  let holds = false;
  for (const [, from = '', range, to = ''] of text.matchAll(
    /(?=[^ \t\r\n])([^ \t\r\n-]*)(?:[ \t\r\n]*(-)[ \t\r\n]*([^ \t\r\n-]*))?/g,
  )) {
    // "-10" means from 0 to 10.
    const first = numberOf(known, from);
    const last = range === undefined ? first : numberOf(known, to);
    if (first === undefined || last === undefined) return undefined;
    if (first <= last) holds ||= now >= first && now <= last;
    else holds ||= known.wraps && (now >= first || now <= last);
  }
  return holds;
}
