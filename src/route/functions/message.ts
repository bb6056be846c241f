import { trimmed } from '../../core/characters.js';
import { code, param, type SharedFunctions } from './definition.js';
import type { MessageSite } from './site.js';

/**
 * Methods that a list may name (RFC 3261 and its extensions); any other word in a constant list is an error at load.
 */
const METHODS = new Set([
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'INFO',
  'REGISTER',
  'SUBSCRIBE',
  'NOTIFY',
  'MESSAGE',
  'OPTIONS',
  'PRACK',
  'UPDATE',
  'REFER',
  'PUBLISH',
  'KDMQ',
  'GET',
  'POST',
  'PUT',
  'DELETE',
]);

function methodCheck(value: string | number): string | undefined {
  const words = String(value)
    .split(/[|,]/)
    .map((each) => trimmed(each));
  if (words.length === 1) return undefined;
  const bad = words.find((each, i) => !METHODS.has(each.toUpperCase()) && (each !== '' || i < words.length - 1));
  return bad === undefined ? undefined : `unknown method "${bad}" in a list`;
}

/** Whether a list, with "|" or "," between its words, contains a method, in any letter case. Allocates nothing. */
export function namesMethod(list: string, method: string): boolean {
  if (method === '') return false;
  const words = list.toUpperCase();
  for (let at = words.indexOf(method); at >= 0; at = words.indexOf(method, at + 1)) {
    if (ends(words, at - 1, -1) && ends(words, at + method.length, 1)) return true;
  }
  return false;
}

/** Like `namesMethod`, for a constant list: it is split once. */
export function methodTest(list: string): (method: string) => boolean {
  const words = list
    .toUpperCase()
    .split(/[|,]/)
    .map((each) => trimmed(each));
  const [first, second] = words;
  if (second === undefined) return (method) => method === first && method !== '';
  return (method) => (words.includes(method) ? method !== '' : method.includes('|') && namesMethod(list, method));
}

/** Whether a word ends here: at "|" or ",", or at the end of the text, possibly after blanks. */
function ends(text: string, from: number, step: 1 | -1): boolean {
  let at = from;
  while (text.charCodeAt(at) === 32) at += step;
  return at < 0 || at >= text.length || text.charCodeAt(at) === 124 || text.charCodeAt(at) === 44;
}

/** Tests of a message that both originals have: sipmsgops of OpenSIPS, textops and siputils of Kamailio. */
export const MESSAGE_FUNCTIONS = {
  is_method: {
    parameters: [param('methods', 'string', { check: methodCheck })],
    routes: 'any',
    summary: 'whether the method is one of a list',
    prepare: (list: string): ((site: MessageSite) => number) => {
      const holds = methodTest(list);
      return ({ message }) => (holds(message.method) ? 1 : -1);
    },
    run: (site: MessageSite, list: string): number => code(namesMethod(list, site.message.method)),
  },
  has_totag: {
    parameters: [],
    routes: 'any',
    summary: 'whether To has a tag: the request is inside a dialog',
    run: (site: MessageSite): number => code(site.message.toTag !== ''),
  },
} as const satisfies SharedFunctions;
