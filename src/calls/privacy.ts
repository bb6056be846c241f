import { createHmac } from 'node:crypto';

/** What is left of numbers in records. */
export interface Privacy {
  /** Digits kept at the end of a number, the others written as "x"; undefined: all. */
  readonly keepDigits: number | undefined;
  /** Key of a keyed hash that stands in place of a number; undefined: none. */
  readonly hashKey: string | undefined;
}

/** Call records with whole numbers, as they stand in the messages. */
export const NO_PRIVACY: Privacy = { keepDigits: undefined, hashKey: undefined };

/** Longest part of a URI that is looked at. */
const LONGEST = 256;

/** A user part as it may be shown: hashed, or with its digits but the last ones cut. A name without a digit stays. */
export function shownUser(user: string, { keepDigits, hashKey }: Privacy): string {
  if (keepDigits === undefined && hashKey === undefined) return user;
  const text = user.slice(0, LONGEST);
  if (!/[0-9]/.test(text)) return text;
  if (hashKey !== undefined) {
    const number = text.replace(/[-.() ]/g, '');
    return `h${createHmac('sha256', hashKey).update(number).digest('hex').slice(0, 16)}`;
  }
  let left = keepDigits as number;
  let shown = '';
  for (let i = text.length - 1; i >= 0; i--) {
    const c = text.charAt(i);
    const isDigit = c >= '0' && c <= '9';
    shown = (isDigit && left-- <= 0 ? 'x' : c) + shown;
  }
  return shown;
}

/** A URI as it may be shown: its user part as `shownUser` says, no password, no parameters of the user part. */
export function shownUri(uri: string, privacy: Privacy): string {
  const match = /^(sips?:)([^@]*)@/i.exec(uri);
  if (match !== null) {
    const [whole, scheme = '', userinfo = ''] = match;
    const user = userinfo.split(':', 1)[0] as string;
    return `${scheme}${shownUser(user, privacy)}@${uri.slice(whole.length)}`;
  }
  const tel = /^(tel:)([^;]*)/i.exec(uri);
  if (tel !== null) return `${tel[1]}${shownUser(tel[2] as string, privacy)}${uri.slice(tel[0].length)}`;
  return uri;
}
