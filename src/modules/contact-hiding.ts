import { trimmed } from '../core/characters.js';
import { parseUri, uriParam, withoutUriParam } from '../core/uri.js';
import { addressSpan } from '../script/address-parts.js';
import type { MessageRun } from '../script/call.js';
import { routeValues } from '../sip/route-set.js';
import { type FunctionSpec, textOf } from './define.js';
import { kamailioFunction } from './kamailio-function.js';

/**
 * Return codes of decode_contact() and decode_contact_header() as recorded: nothing was encoded, no host, a password
 * without a user, a URI without a user, too many parts.
 */
const NOT_ENCODED = -26;
const NO_HOST = -2;
const NO_USER_PART = -3;
const NO_USER = -23;
const TOO_MANY = -24;
/** Maximum length of an encoded URI that is decoded. */
const MAX_ENCODED = 4096;

/**
 * Changes the URI of each Contact, or of those in the first field. When `edit` returns a number for one, the function
 * returns it.
 */
function editContacts(
  run: MessageRun,
  failure: number,
  edit: (uri: string, bracketed: boolean) => string | number,
  firstField = false,
): number {
  const values = routeValues(run.message, 'contact');
  for (const { start, end, line } of values) {
    if (firstField && line !== values[0]?.line) break;
    const value = run.message.text.slice(start, end);
    // As recorded, "*" is not changed.
    if (trimmed(value) === '*') continue;
    const span = addressSpan(value, 'uri');
    if (span === undefined) return failure;
    const uri = value.slice(span.start, span.end);
    const changed = edit(uri, value[span.start - 1] === '<');
    if (typeof changed === 'number') return changed;
    if (changed !== uri) run.edits.replace(start + span.start, start + span.end, changed);
  }
  return 1;
}

function separator(run: MessageRun): string {
  return run.env.modules.module('siputils').text('contact_flds_separator', '*')[0] ?? '*';
}

/** As recorded, encode_contact() fails so for a SIPS URI, and for what is no URI. */
const SECURE = -509;
const NO_URI = -25;

/** The URI that encode_contact() put into the user part of another URI, or the code of a failure. */
function decoded(run: MessageRun, text: string): string | number {
  const uri = parseUri(text);
  if (uri === undefined || uri.user === '' || uri.scheme === 'tel') return NO_USER;
  const parts = uri.user.split(separator(run));
  if (parts.length > 6) return TOO_MANY;
  if (parts.length < 6) return NOT_ENCODED;
  const [, user, password, host, port, transport] = parts;
  if (user === '' && password !== '') return NO_USER_PART;
  if (host === '') return NO_HOST;
  const info = user === '' ? '' : `${user}${password === '' ? '' : `:${password}`}@`;
  const rest = `${port === '' ? '' : `:${port}`}${transport === '' ? '' : `;transport=${transport}`}${uri.params}${uri.headers}`;
  return `${uri.scheme}:${info}${host}${rest}`;
}

/**
 * The URI that contact_param_encode() put into a parameter; the text itself when it has no such parameter; -1 when the
 * value is not base64url.
 */
function parameterDecoded(text: string, name: string): string | number {
  const value = uriParam(parseUri(text)?.params ?? '', name);
  if (value === undefined || value === '') return text;
  if (value.length > MAX_ENCODED || !/^[\w-]+={0,2}$/.test(value) || value.replaceAll('=', '').length % 4 === 1)
    return -1;
  return Buffer.from(value, 'base64url')
    .toString('latin1')
    .replace(/[\r\n]/g, '');
}

/** Functions of Kamailio's siputils that put the URI of Contact into another URI, and take it out again. */
export const contactHiding: FunctionSpec[] = [
  kamailioFunction(
    'encode_contact',
    'prefix address',
    'hides the URI of Contact in the user part of another',
    (run, [prefix, address]) =>
      editContacts(
        run,
        NO_URI,
        (uri) => {
          const parsed = parseUri(uri);
          if (parsed === undefined) return NO_URI;
          if (parsed.scheme === 'sips') return SECURE;
          const transport = uriParam(parsed.params, 'transport') ?? '';
          const parts = [prefix?.text ?? '', parsed.user, parsed.password, parsed.host, parsed.portText, transport];
          return `${parsed.scheme === 'tel' ? 'tel' : 'sip'}:${parts.join(separator(run))}@${address?.text ?? ''}`;
        },
        true,
      ),
  ),
  kamailioFunction('decode_contact', '', 'restores the request-URI that encode_contact() hid', (run) => {
    const uri = decoded(run, run.call.requestUri);
    if (typeof uri === 'number') return uri;
    run.pvars.setRequestUri(uri);
    return 1;
  }),
  kamailioFunction('decode_contact_header', '', 'restores the Contact that encode_contact() hid', (run) =>
    editContacts(run, NOT_ENCODED, (uri) => decoded(run, uri), true),
  ),
  kamailioFunction(
    'contact_param_encode',
    'name address',
    'hides the URI of Contact in a parameter of another',
    (run, [name, address]) =>
      editContacts(run, -1, (uri, bracketed) => {
        if (parseUri(uri) === undefined) return uri;
        const text = `${textOf(address, run)};${textOf(name, run)}=${Buffer.from(uri, 'latin1').toString('base64url')}`;
        return bracketed ? text : `<${text}>`;
      }),
  ),
  kamailioFunction(
    'contact_param_decode',
    'name',
    'restores the Contact that contact_param_encode() hid',
    (run, [name]) => editContacts(run, -1, (uri) => parameterDecoded(uri, textOf(name, run))),
  ),
  kamailioFunction(
    'contact_param_decode_ruri',
    'name',
    'restores the request-URI that contact_param_encode() hid',
    (run, [name]) => {
      const uri = parameterDecoded(run.call.requestUri, textOf(name, run));
      if (typeof uri === 'number') return uri;
      if (uri !== run.call.requestUri) run.pvars.setRequestUri(uri);
      return 1;
    },
  ),
  kamailioFunction('contact_param_rm', 'name', 'removes a parameter of the URI of Contact', (run, [name]) =>
    editContacts(run, -1, (uri) => withoutParam(uri, textOf(name, run))),
  ),
];

/** The text of a URI without a parameter. */
function withoutParam(text: string, name: string): string {
  const uri = parseUri(text);
  if (uri === undefined || uriParam(uri.params, name) === undefined) return text;
  const at = text.length - uri.headers.length;
  return text.slice(0, at - uri.params.length) + withoutUriParam(uri.params, name) + uri.headers;
}
