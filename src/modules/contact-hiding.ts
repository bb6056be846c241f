import { trimmed } from '../core/characters.js';
import { parseUri, uriParam, withoutUriParam } from '../core/uri.js';
import { addressSpan } from '../script/address-parts.js';
import type { MessageRun } from '../script/call.js';
import { type FunctionSpec, textOf } from './define.js';
import { kamailioFunction } from './kamailio-function.js';

/** Return code of decode_contact() and decode_contact_header() when nothing was encoded, as recorded. */
const NOT_ENCODED = -26;
/** Maximum length of an encoded URI that is decoded. */
const MAX_ENCODED = 4096;

/** Changes the URI of each Contact. When `edit` returns undefined for one, the function returns `failure`. */
function editContacts(
  run: MessageRun,
  failure: number,
  edit: (uri: string, bracketed: boolean) => string | undefined,
): number {
  for (const field of run.message.fields('contact')) {
    const value = run.message.text.slice(field.value, field.end);
    // As recorded, "*" is not changed.
    if (trimmed(value) === '*') continue;
    const span = addressSpan(value, 'uri');
    if (span === undefined) return failure;
    const uri = value.slice(span.start, span.end);
    const changed = edit(uri, value[span.start - 1] === '<');
    if (changed === undefined) return failure;
    if (changed !== uri) run.edits.replace(field.value + span.start, field.value + span.end, changed);
  }
  return 1;
}

function separator(run: MessageRun): string {
  return run.env.modules.module('siputils').text('contact_flds_separator', '*')[0] ?? '*';
}

/** The URI that encode_contact() put into the user part of another URI. */
function decoded(run: MessageRun, text: string): string | undefined {
  const uri = parseUri(text);
  const parts = uri?.user.split(separator(run));
  if (uri === undefined || parts?.length !== 6) return undefined;
  const [, user, password, host, port, transport] = parts;
  if (host === '') return undefined;
  const info = user === '' ? '' : `${user}${password === '' ? '' : `:${password}`}@`;
  const rest = `${port === '' ? '' : `:${port}`}${transport === '' ? '' : `;transport=${transport}`}${uri.params}`;
  return `sip:${info}${host}${rest}`;
}

/**
 * The URI that contact_param_encode() put into a parameter; the text itself when it has no such parameter; undefined
 * when the value is not base64url.
 */
function parameterDecoded(text: string, name: string): string | undefined {
  const value = uriParam(parseUri(text)?.params ?? '', name);
  if (value === undefined) return text;
  if (value.length > MAX_ENCODED || value.length % 4 === 1 || !/^[\w-]+$/.test(value)) return undefined;
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
      editContacts(run, -1, (uri) => {
        const parsed = parseUri(uri);
        if (parsed === undefined) return undefined;
        const transport = uriParam(parsed.params, 'transport') ?? '';
        const parts = [prefix?.text ?? '', parsed.user, parsed.password, parsed.host, parsed.portText, transport];
        return `sip:${parts.join(separator(run))}@${address?.text ?? ''}`;
      }),
  ),
  kamailioFunction('decode_contact', '', 'restores the request-URI that encode_contact() hid', (run) => {
    const uri = decoded(run, run.call.requestUri);
    if (uri === undefined) return NOT_ENCODED;
    run.pvars.setRequestUri(uri);
    return 1;
  }),
  kamailioFunction('decode_contact_header', '', 'restores the Contact that encode_contact() hid', (run) =>
    editContacts(run, NOT_ENCODED, (uri) => decoded(run, uri)),
  ),
  kamailioFunction(
    'contact_param_encode',
    'name address',
    'hides the URI of Contact in a parameter of another',
    (run, [name, address]) =>
      editContacts(run, -1, (uri, bracketed) => {
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
      if (uri === undefined) return -1;
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
