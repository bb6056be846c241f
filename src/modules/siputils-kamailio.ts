import { trimmed } from '../core/characters.js';
import { parseAddress } from '../core/name-addr.js';
import { ownValue } from '../core/own-value.js';
import { parseUri, uriParam } from '../core/uri.js';
import { COMPACT_FORMS } from '../pvar/variables/script-headers.js';
import { isKamailioUri } from '../pvar/variables/script-uris.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import type { SipMessage } from '../sip/message.js';
import { contactHiding } from './contact-hiding.js';
import {
  code,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { FIELD_NAME } from './header-fields.js';
import { accepted, kamailioFunction } from './kamailio-function.js';
import { compareUris } from './uri-comparison.js';
import { httpExchange } from './xhttp.js';

/** The form of Date (RFC 3261 section 20.17). */
const DATE = /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/;

/** As recorded: digits, after a plus sign none that is 0. */
const TEL = /^(?:[0-9]+|\+[1-9][0-9]*)$/;

function ruriParamEdit(run: MessageRun, edit: (params: string) => string): number {
  const uri = parseUri(run.call.requestUri);
  if (uri === undefined) return -1;
  const text = run.call.requestUri;
  const at = uri.headers === '' ? text.length : text.length - uri.headers.length;
  run.pvars.setRequestUri(text.slice(0, at - uri.params.length) + edit(uri.params) + uri.headers);
  return 1;
}

/** The last parameter in the parameters of a URI whose name fits, which decides as recorded. */
function lastParam(
  params: string,
  fits: (name: string) => boolean,
): { readonly text: string; readonly start: number } | undefined {
  for (let end = params.length; end > 0; ) {
    const start = params.lastIndexOf(';', end - 1);
    if (start < 0) return undefined;
    const text = params.slice(start + 1, end);
    const equals = text.indexOf('=');
    if (fits(equals < 0 ? text : text.slice(0, equals))) return { text, start };
    end = start;
  }
  return undefined;
}

/**
 * The value of a parameter of the request-URI: as recorded, its name in the same case, and none of a telephone number.
 */
function ruriParam(run: MessageRun, name: string): string | undefined {
  const params = parseUri(run.call.requestUri)?.params ?? '';
  if (uriParam(params, 'user')?.toLowerCase() === 'phone') return undefined;
  const found = lastParam(params, (each) => each === name)?.text;
  if (found === undefined) return undefined;
  const equals = found.indexOf('=');
  return equals < 0 ? '' : found.slice(equals + 1);
}

function withoutLastParam(params: string, name: string): string {
  const lower = name.toLowerCase();
  const found = lastParam(params, (each) => each.toLowerCase() === lower);
  return found === undefined
    ? params
    : params.slice(0, found.start) + params.slice(found.start + 1 + found.text.length);
}

/** Options that is_supported() knows; it refuses others at the start. */
const OPTIONS = ['path', '100rel', 'timer', 'eventlist', 'gruu', 'outbound'];

function supports(message: SipMessage, wanted: string): boolean {
  for (const field of message.fields('supported')) {
    const options = message.text.slice(field.value, field.end).toLowerCase().split(',');
    if (options.some((each) => trimmed(each) === wanted)) return true;
  }
  return false;
}

/** As recorded, a port other than 5060 differs from a missing one; two given ports are not compared. */
function portDiffers(one: string, other: string): boolean {
  const ports = [parseUri(one)?.port, parseUri(other)?.port];
  return ports.includes(undefined) && ports.some((port) => port !== undefined && port !== 5060);
}

/** "user@host" of a URI, for comparison. */
function aor(text: string): string {
  const uri = parseUri(text);
  return uri === undefined ? text : `${uri.user}@${uri.host.toLowerCase()}`;
}

/** Long names of the compact forms that cmp_hdr_name() knows. */
const LONG: Readonly<Record<string, string>> = {
  ...COMPACT_FORMS,
  a: 'accept-contact',
  d: 'request-disposition',
  j: 'reject-contact',
  y: 'identity',
};
const KNOWN = new Set([
  ...Object.values(LONG),
  ...`accept accept-encoding accept-language allow authorization content-disposition cseq date diversion expires max-forwards min-expires
    min-se organization p-asserted-identity p-preferred-identity path priority privacy proxy-authenticate proxy-authorization
    proxy-require record-route remote-party-id replaces require retry-after route server sip-if-match subscription-state unsupported
    user-agent www-authenticate`.split(/[ \n]+/),
]);

/** The header field that a name means; undefined for no name. As recorded, blanks or a colon may follow. */
function fieldOf(name: string): string | undefined {
  const lower = /^[ \t]/.test(name) ? '' : trimmed(name).toLowerCase();
  const bare = lower.replace(/:$/, '');
  const known = ownValue(LONG, bare) ?? bare;
  if (KNOWN.has(known)) return known;
  return FIELD_NAME.test(bare) ? lower : undefined;
}

/** The result of cmp_hdr_name(): as recorded, two unknown names of one length have a code of their own. */
function comparedNames(one: string, other: string): number {
  const [a, b] = [fieldOf(one), fieldOf(other)];
  if (a === undefined || b === undefined) return -2;
  if (a === b) return 1;
  return KNOWN.has(a) || KNOWN.has(b) || a.length !== b.length ? -1 : -2;
}

/** The AVP with the value for Remote-Party-ID, and texts before and after it. */
const rpid = {
  module: 'siputils',
  create: (parameters: ModuleParameters) => ({
    avp: parameters.avp('rpid_avp') ?? 'rpid',
    prefix: parameters.text('rpid_prefix', ''),
    suffix: parameters.text('rpid_suffix', ';party=calling;id-type=subscriber;screen=yes'),
  }),
};

/** The value of the AVP in rpid_avp; undefined for none, an empty text or a number. */
function remoteParty(run: MessageRun): string | undefined {
  const { avp } = run.env.modules.of(rpid);
  const value = avp === undefined ? undefined : run.pvars.avps.get(avp);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

const remotePartyId: FunctionSpec[] = [
  kamailioFunction(
    'append_rpid_hf',
    'prefix? suffix?',
    'adds a Remote-Party-ID with the value of rpid_avp',
    (run, [prefix, suffix]) => {
      const value = remoteParty(run);
      if (value === undefined) return -1;
      const settings = run.env.modules.of(rpid);
      const before = prefix?.text ?? settings.prefix;
      const after = suffix?.text ?? settings.suffix;
      const line = `${before}${value}${after}`.replace(/[\r\n]/g, '');
      run.edits.insert(run.message.headersEnd, `Remote-Party-ID: ${line}\r\n`);
      return 1;
    },
  ),
  kamailioFunction('is_rpid_user_e164', '', 'whether the value of rpid_avp has an E.164 number', (run) => {
    const { uri } = parseAddress(remoteParty(run) ?? '');
    return code(/^\+[1-9][0-9]{1,14}$/.test(parseUri(uri)?.user ?? ''));
  }),
];

const siputils: FunctionSpec[] = [
  {
    ...kamailioFunction('is_sip', '', 'whether the message is a SIP message', (run) =>
      code(httpExchange(run.call) === undefined),
    ),
    since: '6.0',
  },
  {
    ...kamailioFunction('is_http', '', 'whether the message is an HTTP message', (run) =>
      code(httpExchange(run.call) !== undefined),
    ),
    since: '6.0',
  },
  kamailioFunction('cmp_uri', 'one other', 'whether two URIs are the same (RFC 3261 section 19.1.4)', (run, [a, b]) => {
    const [one, other] = [textOf(a, run), textOf(b, run)];
    return isKamailioUri(one) && isKamailioUri(other) ? code(compareUris(one, other, 'kamailio')) : -2;
  }),
  kamailioFunction('cmp_aor', 'one other', 'whether two addresses of record are the same', (run, [a, b]) => {
    const [one, other] = [textOf(a, run), textOf(b, run)];
    return isKamailioUri(one) && isKamailioUri(other) ? code(aor(one) === aor(other) && !portDiffers(one, other)) : -2;
  }),
  kamailioFunction('cmp_hdr_name', 'one other', 'whether two header names are the same', (run, [a, b]) =>
    comparedNames(textOf(a, run), textOf(b, run)),
  ),
  kamailioFunction('is_tel_number', 'text', 'whether a text is a telephone number', (run, [text]) =>
    TEL.test(textOf(text, run)) ? 1 : -2,
  ),
  kamailioFunction(
    'is_alphanumex',
    'text more',
    'whether a text has only letters, digits and the given characters',
    (run, [text, more]) => {
      const value = textOf(text, run);
      if (value === '') return -2;
      const others = new Set(textOf(more, run));
      for (const each of value.replace(/[A-Za-z0-9]+/g, '')) if (!others.has(each)) return -3;
      return 1;
    },
  ),
  {
    name: 'is_e164',
    dialects: KAMAILIO,
    parameters: [param('variable', 'variable')],
    summary: 'whether a variable holds an E.164 number',
    compile:
      ([variable]) =>
      (run) =>
        code(/^\+[0-9]{2,15}$/.test(textOf(variable, run))),
  },
  {
    name: 'is_uri_user_e164',
    dialects: KAMAILIO,
    parameters: [param('variable', 'variable')],
    summary: 'whether the user of a URI is an E.164 number',
    compile:
      ([variable]) =>
      (run) =>
        code(/^[^:]*:\+[0-9]{2,15}@/.test(textOf(variable, run))),
  },
  ...remotePartyId,
  {
    ...kamailioFunction('is_supported', 'option', 'whether the request supports an option', () => -1),
    compile: ([option]) => {
      const wanted = (option?.text ?? '').toLowerCase();
      if (!OPTIONS.includes(wanted)) throw new Error(`"${wanted}" is not one of ${OPTIONS.join(', ')}`);
      return (run) => code(supports(run.message, wanted));
    },
  },
  kamailioFunction(
    'hdr_date_check',
    'seconds',
    'whether Date is not older than a number of seconds',
    (run, [seconds]) => {
      const field = run.message.nextField('date');
      if (field === undefined) return -1;
      const text = trimmed(run.message.text.slice(field.value, field.end));
      const at = DATE.test(text) ? Date.parse(text) : Number.NaN;
      if (Number.isNaN(at)) return -1;
      return run.env.clock.now() - at > intOf(seconds, run, 0) * 1000 ? -4 : 1;
    },
  ),
  {
    ...kamailioFunction('get_uri_param', 'name variable', 'a parameter of the request-URI', (run, [name, target]) => {
      const value = ruriParam(run, textOf(name, run));
      if (value === undefined) return -1;
      target?.variable?.assign(run.pvars, value);
      return 1;
    }),
    parameters: [param('name', 'string'), param('variable', 'writable')],
  },
  kamailioFunction('uri_param', 'name', 'whether the request-URI has a parameter without a value', (run, [name]) =>
    code(ruriParam(run, textOf(name, run)) === ''),
  ),
  kamailioFunction(
    'uri_param',
    'name value',
    'whether the request-URI has a parameter with this value',
    (run, [name, value]) => code(ruriParam(run, textOf(name, run)) === textOf(value, run)),
  ),
  kamailioFunction('uri_param_any', 'name', 'whether the request-URI has a parameter', (run, [name]) =>
    code(uriParam(parseUri(run.call.requestUri)?.params ?? '', textOf(name, run).toLowerCase()) !== undefined),
  ),
  kamailioFunction('uri_param_rm', 'name', 'removes a parameter of the request-URI', (run, [name]) =>
    ruriParamEdit(run, (params) => withoutLastParam(params, textOf(name, run))),
  ),
  ...(['user', 'host'] as const).map(
    (part): FunctionSpec => ({
      name: `set_uri_${part}`,
      dialects: KAMAILIO,
      parameters: [param('variable', 'writable'), param(part, 'string')],
      summary: `sets the ${part} of the URI in a variable`,
      compile: ([variable, value]) => {
        if (variable?.text.startsWith('$var(') === true) throw new Error('the URI may not be in a $var');
        return (run) => {
          const text = textOf(variable, run);
          const uri = parseUri(text);
          if (uri === undefined || uri.host === '') return -1;
          const next = textOf(value, run);
          const rest = text.slice(uri.scheme.length + 1);
          const at = rest.indexOf('@');
          const changed =
            part === 'user'
              ? `${next === '' ? '' : `${next}@`}${at < 0 ? rest : rest.slice(at + 1)}`
              : `${at < 0 ? '' : rest.slice(0, at + 1)}${next}${rest.slice((at < 0 ? 0 : at + 1) + uri.host.length)}`;
          variable?.variable?.assign(run.pvars, `${uri.scheme}:${changed}`);
          return 1;
        };
      },
    }),
  ),
  {
    name: 'tel2sip',
    dialects: KAMAILIO,
    parameters: [param('uri', 'string'), param('host', 'string'), param('result', 'writable')],
    summary: 'converts a tel URI to a SIP URI (RFC 3261 section 19.1.6)',
    compile:
      ([from, host, target]) =>
      (run) => {
        const text = textOf(from, run);
        if (!/^tel:/i.test(text)) return 2;
        const [number = '', ...params] = text.slice(4).split(';');
        const user = [number.replace(/[-.() ]/g, ''), ...params].join(';').toLowerCase();
        target?.variable?.assign(run.pvars, `sip:${user}@${textOf(host, run)};user=phone`);
        return 1;
      },
  },
  ...contactHiding,
  ...accepted('sip_p_charging_vector', 'flags', 1, 'accepted'),
];

/** Functions of Kamailio's siputils that OpenSIPS does not have. */
export const kamailioUriFunctions: ScriptFunction[] = moduleFunctions('siputils', siputils);
