import { createHmac } from 'node:crypto';
import { maskUri } from '../core/mask.js';

/** How telephone numbers are shown in call records. */
export interface Privacy {
  /** Digits shown at the end of a number, the others become "x"; undefined: all digits. */
  readonly keepDigits: number | undefined;
  /** Key for the hash that is shown instead of a number; undefined: no hash. */
  readonly hashKey: string | undefined;
}

/** Numbers are shown as they are in the messages. */
export const NO_PRIVACY: Privacy = { keepDigits: undefined, hashKey: undefined };

/** Characters of a URI that are examined. */
const LONGEST = 256;

/** A user part as it may be shown: hashed, or with only its last digits. A name without digits is shown as it is. */
function shownUser(user: string, { keepDigits, hashKey }: Privacy): string {
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

/**
 * A URI as it may be shown: the user part as by `shownUser`, without password and user parameters. The value of a URI
 * parameter "password" becomes "***".
 */
export function shownUri(given: string, privacy: Privacy): string {
  const uri = maskUri(given);
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
