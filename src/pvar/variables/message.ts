import { parseAddress } from '../../core/name-addr.js';
import type { PvarContext, PvarMessage } from '../context.js';
import { type Credentials, parseCredentials, splitList } from '../header-values.js';
import { type Getter, orNull, pick, pickOf, plain, type TextReader, type VariableDefinition } from './definition.js';

/** $rm: the method; for a reply that of its request. */
function methodOf(message: PvarMessage): string | undefined {
  return message.isRequest ? message.method : (message.cseqMethod ?? message.method);
}

const header: VariableDefinition = {
  argument: 'required',
  indexed: true,
  compile(argument, index) {
    const name = argument as TextReader;
    const { constant } = name;
    if (constant !== undefined && !isHeaderName(constant)) throw new Error('needs the name of a header field');
    if (index?.kind === 'all') {
      const all = (context: PvarContext) => bodiesOf(context, name);
      return { get: pickOf(index, all), all };
    }
    const count = (context: PvarContext) => countOf(context, name);
    const at =
      constant !== undefined
        ? ({ message }: PvarContext, i: number) => message.header(constant, i) ?? null
        : (context: PvarContext, i: number) => {
            const wanted = name.read(context);
            return isHeaderName(wanted) ? (context.message.header(wanted, i) ?? null) : null;
          };
    return { get: pick(index, count, at) };
  },
};

const headerCount: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: (argument) => ({ get: (context) => countOf(context, argument as TextReader) }),
};

function isHeaderName(text: string): boolean {
  return /^[A-Za-z0-9!%*_+`'~.-]{1,128}$/.test(text);
}

function countOf(context: PvarContext, name: TextReader): number {
  const wanted = name.constant ?? name.read(context);
  return isHeaderName(wanted) ? context.message.headerCount(wanted) : 0;
}

function bodiesOf(context: PvarContext, name: TextReader): readonly string[] {
  const wanted = name.constant ?? name.read(context);
  return isHeaderName(wanted) ? context.message.headers(wanted) : [];
}

/** All Contact values of all header fields; the length of the message bounds their number. */
function contacts({ message }: PvarContext): string[] {
  return message.headers('Contact').flatMap((body) => splitList(body, ','));
}

const contact: VariableDefinition = {
  argument: 'none',
  indexed: true,
  compile: (_argument, index) => ({ get: pickOf(index, contacts) }),
};

/** "$ct.fields(uri)": name, uri, q, expires, methods, received or params of a Contact value. */
const contactFields: VariableDefinition = {
  argument: 'required',
  indexed: true,
  compile(argument, index) {
    const field = argument as TextReader;
    if (index?.kind === 'all') {
      return {
        get: pickOf(index, (context) => {
          const wanted = field.read(context).toLowerCase();
          return contacts(context).map((raw) => contactField(raw, wanted));
        }),
      };
    }
    const one = pickOf(index, contacts);
    return {
      get: (context) => {
        const raw = one(context);
        return raw === null ? null : contactField(String(raw), field.read(context).toLowerCase());
      },
    };
  },
};

function contactField(raw: string, wanted: string): string | null {
  const address = parseAddress(raw);
  if (wanted === 'uri') return orNull(address.uri);
  if (wanted === 'name') return orNull(address.display);
  if (wanted === 'params') return orNull(address.params.slice(1));
  for (const part of splitList(address.params, ';')) {
    const equals = part.indexOf('=');
    if ((equals < 0 ? part : part.slice(0, equals)).toLowerCase() === wanted) {
      return equals < 0 ? '' : part.slice(equals + 1);
    }
  }
  return null;
}

/**
 * Credentials, from Proxy-Authorization or else Authorization: the same order in which the hash over the user name
 * looks for them.
 */
function credentialsOf(message: PvarMessage): Credentials | undefined {
  for (const name of ['Proxy-Authorization', 'Authorization']) {
    const raw = message.header(name);
    const credentials = raw === undefined ? undefined : parseCredentials(raw);
    if (credentials !== undefined) return credentials;
  }
  return undefined;
}

function auth(of: (credentials: Credentials) => string | undefined): VariableDefinition {
  return plain(({ message }) => {
    const credentials = credentialsOf(message);
    return credentials === undefined ? null : orNull(of(credentials));
  });
}

function userOf(username: string | undefined): string | undefined {
  const at = username?.indexOf('@') ?? -1;
  return at < 0 ? username : username?.slice(0, at);
}

function domainOf(username: string | undefined): string | undefined {
  const at = username?.indexOf('@') ?? -1;
  return at < 0 ? undefined : username?.slice(at + 1);
}

/** The first value of a header field, for variables with a short name. */
function first(name: string): VariableDefinition {
  return plain(({ message }) => orNull(message.header(name)));
}

/** The URI of an address header ($ai, $rt, $di). */
function addressIn(name: string): VariableDefinition {
  return plain(({ message }) => {
    const raw = message.header(name);
    return raw === undefined ? null : orNull(parseAddress(raw).uri);
  });
}

const body: Getter = ({ message }) => orNull(message.body);

/** Variables that read the message: request line, header fields, credentials, size. */
export const messageVariableTable: readonly [string, VariableDefinition][] = [
  ['rm', plain(({ message }) => orNull(methodOf(message)))],
  ['rs', plain(({ message, replyCode }) => (message.isRequest ? replyCode : message.status) ?? null)],
  ['rr', plain(({ message, replyReason }) => orNull(message.isRequest ? replyReason : message.reason))],
  ['rb', plain(body)],
  ['rt', addressIn('Refer-To')],
  ['ci', plain(({ message }) => orNull(message.callId))],
  [
    'cs',
    plain(({ message }) => (message.cseqNumber !== undefined && message.cseqNumber >= 0 ? message.cseqNumber : null)),
  ],
  ['ct', contact],
  ['ct.fields', contactFields],
  ['cT', first('Content-Type')],
  ['cl', first('Content-Length')],
  ['ua', first('User-Agent')],
  ['ai', addressIn('P-Asserted-Identity')],
  ['di', addressIn('Diversion')],
  ['hdr', header],
  ['hdrcnt', headerCount],
  ['hdr_cnt', headerCount],
  ['mb', plain(({ message }) => message.text)],
  ['ml', plain(({ message }) => message.length)],
  ['au', auth(({ username }) => userOf(username))],
  ['ad', auth(({ username }) => domainOf(username))],
  ['aU', auth(({ username }) => username)],
  ['ar', auth(({ realm }) => realm)],
  ['an', auth(({ param }) => param('nonce'))],
  ['adu', auth(({ param }) => param('uri'))],
  ['auth.resp', auth(({ param }) => param('response'))],
  ['auth.nonce', auth(({ param }) => param('nonce'))],
  ['auth.opaque', auth(({ param }) => param('opaque'))],
  ['auth.alg', auth(({ param }) => param('algorithm'))],
  ['auth.qop', auth(({ param }) => param('qop'))],
  ['auth.nc', auth(({ param }) => param('nc'))],
];
