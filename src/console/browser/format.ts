const ZONED = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

/** A time in the reader's time zone. */
export const moment = (time: number | string): string => ZONED.format(new Date(time));

/** A duration in milliseconds as "12 s", "4 min", "3 h 10 min" or "2 d 4 h". */
export function span(ms: number): string {
  const seconds = Math.max(Math.round(ms / 1000), 0);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A time in milliseconds; -1 means none. */
export function millis(ms: number): string {
  if (ms < 0) return '–';
  return ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** Calls per second. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return '0';
  return perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}

/** A part of a whole in percent, "97 %"; "–" if the whole is 0. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '–';
  const share = (100 * part) / whole;
  return `${share > 99 && share < 100 ? share.toFixed(1) : Math.round(share)} %`;
}

/** A number and a noun: "1 destination", "1,200 destinations". */
export const counted = (value: number, what: string): string => `${count(value)} ${what}${value === 1 ? '' : 's'}`;

/** A number with the separators of the reader's language. */
export const count = (value: number): string => value.toLocaleString();
