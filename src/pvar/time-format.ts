const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

function two(value: number, fill = '0'): string {
  return String(value).padStart(2, fill);
}

/** The day of the year by the local date, 1 for the first of January. */
export function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getFullYear(), 0, 1);
  return Math.floor((Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - start) / 86_400_000) + 1;
}

/** A Date whose local fields have the values of UTC. */
export function asUtc(ms: number): Date {
  return new Date(ms + new Date(ms).getTimezoneOffset() * 60_000);
}

function zone(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`;
}

function hour12(date: Date): number {
  return date.getHours() % 12 || 12;
}

function monthName(date: Date): string {
  return MONTHS[date.getMonth()] ?? '';
}

function dayName(date: Date): string {
  return DAYS[date.getDay()] ?? '';
}

function dateOf(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function clockOf(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

const CONVERSIONS: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => dayName(date).slice(0, 3),
  A: dayName,
  b: (date) => monthName(date).slice(0, 3),
  B: monthName,
  h: (date) => monthName(date).slice(0, 3),
  c: (date) => timeText(date),
  C: (date) => two(Math.floor(date.getFullYear() / 100)),
  d: (date) => two(date.getDate()),
  D: (date) => `${two(date.getMonth() + 1)}/${two(date.getDate())}/${two(date.getFullYear() % 100)}`,
  e: (date) => two(date.getDate(), ' '),
  F: dateOf,
  H: (date) => two(date.getHours()),
  I: (date) => two(hour12(date)),
  j: (date) => String(dayOfYear(date)).padStart(3, '0'),
  m: (date) => two(date.getMonth() + 1),
  M: (date) => two(date.getMinutes()),
  n: () => '\n',
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  R: (date) => clockOf(date).slice(0, 5),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  S: (date) => two(date.getSeconds()),
  t: () => '\t',
  T: clockOf,
  u: (date) => String(date.getDay() || 7),
  w: (date) => String(date.getDay()),
  y: (date) => two(date.getFullYear() % 100),
  Y: (date) => String(date.getFullYear()),
  z: zone,
  '%': () => '%',
};

/** Formats like strftime in the C locale, in local time; an unknown conversion is kept as written. */
export function formatTime(format: string, date: Date): string {
  return format.replace(/%(.)/gs, (written, letter: string) => CONVERSIONS[letter]?.(date) ?? written);
}

/** For example "Tue Nov 14 22:13:20 2023". */
export function timeText(date: Date): string {
  const day = `${dayName(date).slice(0, 3)} ${monthName(date).slice(0, 3)} ${two(date.getDate(), ' ')}`;
  return `${day} ${clockOf(date)} ${date.getFullYear()}`;
}
