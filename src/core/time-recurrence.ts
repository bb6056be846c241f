import { trimmed } from './characters.js';
/** A recurring time (RFC 2445), as in tables of drouting and dialplan. */
export interface TimeRecurrence {
  /** Whether `now` (milliseconds since the epoch) is within an occurrence. */
  holds(now: number): boolean;
}

const DAY = 86_400_000;
/** Longest text of a time, since scripts may take it from a peer. */
const LONGEST_TEXT = 4096;
/** Longest occurrence in days. */
const LONGEST_DAYS = 400;
const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];

type Frequency = 'daily' | 'weekly' | 'monthly' | 'yearly';

interface Parts {
  readonly start: number;
  /** Milliseconds an occurrence lasts; undefined: without end. */
  readonly duration: number | undefined;
  readonly frequency: Frequency | undefined;
  readonly until: number | undefined;
  readonly interval: number;
  readonly tests: readonly ((day: Date) => boolean)[];
}

/**
 * Reads "20240131T080000" as local time, as a number in which the local clock is treated as UTC. Throws an Error for
 * another text.
 */
function timeIn(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?Z?)?$/i.exec(text);
  if (match === null) throw new Error(`"${text}" is not a time of the form 20240131T080000`);
  const [, year, month, day, hour = '0', minute = '0', second = '0'] = match;
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}

/**
 * The milliseconds of "P1DT8H30M" or "P2W"; tables and scripts may also write "8H30M". A date instead is the end of the
 * first occurrence.
 */
function durationIn(text: string, start: number): number {
  if (/^\d{8}/.test(text)) return timeIn(text) - start;
  const match = /^P?(?:(\d{1,4})W)?(?:(\d{1,4})D)?T?(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?$/i.exec(text);
  if (match === null || !/\d/.test(text)) throw new Error(`"${text}" is not a duration of the form PT8H30M`);
  const [, weeks = '0', days = '0', hours = '0', minutes = '0', seconds = '0'] = match;
  const whole = (Number(weeks) * 7 + Number(days)) * DAY;
  return whole + ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

function numbersIn(text: string, what: string, max: number): Set<number> {
  const numbers = text.split(',').map((each) => Number(trimmed(each)));
  for (const each of numbers)
    if (!Number.isInteger(each) || each === 0 || Math.abs(each) > max) throw new Error(`${what} has no ${each}`);
  return new Set(numbers);
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
}

function dayOfYear(day: Date): number {
  return Math.floor((day.getTime() - Date.UTC(day.getUTCFullYear(), 0, 1)) / DAY) + 1;
}

/** The ISO 8601 week. */
function weekOf(day: Date): number {
  const thursday = new Date(day.getTime() + (3 - ((day.getUTCDay() + 6) % 7)) * DAY);
  return Math.floor((dayOfYear(thursday) - 1) / 7) + 1;
}

/** A test for weekdays such as "MO,TU", or within a month "1MO,-1FR". */
function weekdayTest(text: string): (day: Date) => boolean {
  const wanted = text.split(',').map((each) => {
    const match = /^([+-]?\d)?(SU|MO|TU|WE|TH|FR|SA)$/.exec(trimmed(each).toUpperCase());
    if (match === null) throw new Error(`byday has no "${trimmed(each)}"`);
    return { weekday: WEEKDAYS.indexOf(match[2] ?? ''), nth: match[1] === undefined ? undefined : Number(match[1]) };
  });
  return (day) =>
    wanted.some(({ weekday, nth }) => {
      if (day.getUTCDay() !== weekday) return false;
      if (nth === undefined) return true;
      const date = day.getUTCDate();
      const last = daysIn(day.getUTCFullYear(), day.getUTCMonth());
      return nth > 0 ? Math.ceil(date / 7) === nth : Math.ceil((last - date + 1) / 7) === -nth;
    });
}

/** A test for one "by" part; negative numbers count from the end. */
function numberTest(
  text: string,
  what: string,
  max: number,
  value: (day: Date) => readonly [number: number, last: number],
): (day: Date) => boolean {
  const wanted = numbersIn(text, what, max);
  return (day) => {
    const [number, last] = value(day);
    return wanted.has(number) || wanted.has(number - last - 1);
  };
}

function testsOf([byDay, byMonthDay, byYearDay, byWeek, byMonth]: readonly string[]): ((day: Date) => boolean)[] {
  const tests: ((day: Date) => boolean)[] = [];
  if (byDay) tests.push(weekdayTest(byDay));
  if (byMonthDay)
    tests.push(
      numberTest(byMonthDay, 'bymonthday', 31, (day) => [
        day.getUTCDate(),
        daysIn(day.getUTCFullYear(), day.getUTCMonth()),
      ]),
    );
  if (byYearDay)
    tests.push(
      numberTest(byYearDay, 'byyearday', 366, (day) => [
        dayOfYear(day),
        daysIn(day.getUTCFullYear(), 1) === 29 ? 366 : 365,
      ]),
    );
  if (byWeek)
    tests.push(
      numberTest(byWeek, 'byweekno', 53, (day) => [
        weekOf(day),
        weekOf(new Date(Date.UTC(day.getUTCFullYear(), 11, 28))),
      ]),
    );
  if (byMonth) tests.push(numberTest(byMonth, 'bymonth', 12, (day) => [day.getUTCMonth() + 1, 12]));
  return tests;
}

/**
 * Whether an occurrence begins on a day, by frequency, interval, and the parts of the first occurrence where no "by"
 * part is given.
 */
function beginsOn({ start, frequency, interval, tests }: Parts, day: Date): boolean {
  const first = new Date(start);
  const firstDay = Math.floor(start / DAY);
  const days = Math.floor(day.getTime() / DAY) - firstDay;
  if (days < 0) return false;
  const months = (day.getUTCFullYear() - first.getUTCFullYear()) * 12 + day.getUTCMonth() - first.getUTCMonth();
  const free = tests.length > 0;
  switch (frequency) {
    case undefined:
      return days === 0;
    case 'daily':
      return days % interval === 0;
    case 'weekly': {
      // Weeks begin on Monday.
      const week = (at: number): number => Math.floor((at + 3) / 7);
      const weeks = week(firstDay + days) - week(firstDay);
      return weeks % interval === 0 && (free || day.getUTCDay() === first.getUTCDay());
    }
    case 'monthly':
      return months % interval === 0 && (free || day.getUTCDate() === first.getUTCDate());
    case 'yearly':
      return (
        (day.getUTCFullYear() - first.getUTCFullYear()) % interval === 0 &&
        (free || (day.getUTCMonth() === first.getUTCMonth() && day.getUTCDate() === first.getUTCDate()))
      );
  }
}

function holdsAt(parts: Parts, now: number): boolean {
  const { start, duration, frequency, until, tests } = parts;
  if (now < start || (until !== undefined && now > until)) return false;
  if (duration === undefined) return tests.every((test) => test(new Date(now)));
  if (frequency === undefined) return now < start + duration;
  const ofDay = start % DAY;
  const back = Math.min(LONGEST_DAYS, Math.ceil((ofDay + duration) / DAY));
  const today = now - (now % DAY);
  for (let i = 0; i <= back; i++) {
    const day = new Date(today - i * DAY);
    const begins = day.getTime() + ofDay;
    if (now < begins || now >= begins + duration) continue;
    if (beginsOn(parts, day) && tests.every((test) => test(day))) return true;
  }
  return false;
}

/** Returns a function for the local clock (of a zone, or of this machine), as if it were UTC. */
function wallClock(zone: string | undefined): (now: number) => number {
  if (zone === undefined) return (now) => now - new Date(now).getTimezoneOffset() * 60_000;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (now) => {
    const part = new Map(format.formatToParts(now).map(({ type, value }) => [type, Number(value)]));
    const of = (type: Intl.DateTimeFormatPartTypes): number => part.get(type) ?? 0;
    return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
  };
}

/**
 * Parses "[zone|]dtstart|duration|freq|until|interval|byday|bymonthday|byyearday|byweekno|bymonth" (RFC 2445 section
 * 4.8.5.4, as far as tables use it); undefined for '': always. Throws an Error for an invalid text.
 */
export function timeRecurrence(text: string): TimeRecurrence | undefined {
  if (text.length > LONGEST_TEXT) throw new Error(`a time of more than ${LONGEST_TEXT} characters`);
  const fields = text.split('|').map((each) => trimmed(each));
  const [first = ''] = fields;
  if (fields.every((each) => each === '')) return undefined;
  const zone = first === '' || /^\d/.test(first) ? undefined : first;
  if (zone !== undefined) fields.shift();
  const [from = '', length = '', freq = '', until = '', interval = '', ...by] = fields;
  const frequency = freq.toLowerCase();
  if (!['', 'daily', 'weekly', 'monthly', 'yearly'].includes(frequency))
    throw new Error(`there is no frequency "${freq}"`);
  const start = from === '' ? 0 : timeIn(from);
  const parts: Parts = {
    start,
    duration: length === '' ? undefined : durationIn(length, start),
    frequency: frequency === '' ? undefined : (frequency as Frequency),
    until: until === '' ? undefined : timeIn(until),
    interval: Math.max(1, Number.parseInt(interval, 10) || 1),
    tests: testsOf(by),
  };
  const wall = wallClock(zone);
  return { holds: (now) => holdsAt(parts, wall(now)) };
}
