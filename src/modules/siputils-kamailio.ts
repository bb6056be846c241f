import { trimmed } from '../core/characters.js';
import { parseAddress } from '../core/name-addr.js';
import { ownValue } from '../core/own-value.js';
import { parseUri, uriParam, withoutUriParam } from '../core/uri.js';
import { isKamailioUri } from '../pvar/variables/script-uris.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
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

const TEL = /^[+]?[0-9*#]+$/;

function ruriParamEdit(run: MessageRun, edit: (params: string) => string): number {
  const uri = parseUri(run.call.requestUri);
  if (uri === undefined) return -1;
  const text = run.call.requestUri;
  const at = uri.headers === '' ? text.length : text.length - uri.headers.length;
  run.pvars.setRequestUri(text.slice(0, at - uri.params.length) + edit(uri.params) + uri.headers);
  return 1;
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

const LONG: Readonly<Record<string, string>> = {
  f: 'from',
  t: 'to',
  v: 'via',
  i: 'call-id',
  m: 'contact',
  l: 'content-length',
  c: 'content-type',
  k: 'supported',
  s: 'subject',
  e: 'content-encoding',
};
const longName = (name: string): string => ownValue(LONG, name.toLowerCase()) ?? name.toLowerCase();

/** The AVP with the value for Remote-Party-ID, and texts before and after it. */
const rpid = {
  module: 'siputils',
  create: (parameters: ModuleParameters) => ({
    avp: parameters.avp('rpid_avp'),
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
      const before = prefix === undefined ? settings.prefix : textOf(prefix, run);
      const after = suffix === undefined ? settings.suffix : textOf(suffix, run);
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
    FIELD_NAME.test(textOf(a, run)) && FIELD_NAME.test(textOf(b, run))
      ? code(longName(textOf(a, run)) === longName(textOf(b, run)))
      : -2,
  ),
  kamailioFunction('is_tel_number', 'text', 'whether a text is a telephone number', (run, [text]) =>
    TEL.test(textOf(text, run)) && !/[*#]/.test(textOf(text, run)) ? 1 : -2,
  ),
  kamailioFunction(
    'is_alphanumex',
    'text more',
    'whether a text has only letters, digits and the given characters',
    (run, [text, more]) => {
      const others = textOf(more, run);
      const value = textOf(text, run);
      return value !== '' && [...value].every((c) => /[A-Za-z0-9]/.test(c) || others.includes(c)) ? 1 : -3;
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
        code(/^\+[0-9]{2,15}$/.test(parseUri(textOf(variable, run))?.user ?? '')),
  },
  ...remotePartyId,
  kamailioFunction('is_supported', 'option', 'whether the request supports an option', (run, [option]) => {
    const wanted = textOf(option, run).toLowerCase();
    for (const field of run.message.fields('supported')) {
      if (
        run.message.text
          .slice(field.value, field.end)
          .toLowerCase()
          .split(',')
          .some((each) => trimmed(each) === wanted)
      )
        return 1;
    }
    return -1;
  }),
  kamailioFunction(
    'hdr_date_check',
    'seconds',
    'whether Date is not older than a number of seconds',
    (run, [seconds]) => {
      const field = run.message.nextField('date');
      if (field === undefined) return -1;
      const at = Date.parse(run.message.text.slice(field.value, field.end));
      if (Number.isNaN(at)) return -2;
      const late = run.env.clock.now() - at;
      if (Math.abs(late) <= intOf(seconds, run, 0) * 1000) return 1;
      return late > 0 ? -4 : -3;
    },
  ),
  kamailioFunction('get_uri_param', 'name variable', 'a parameter of the request-URI', (run, [name, target]) => {
    const params = parseUri(run.call.requestUri)?.params ?? '';
    const value = uriParam(params, 'user') === 'phone' ? undefined : uriParam(params, textOf(name, run));
    if (value === undefined) return -1;
    target?.variable?.assign(run.pvars, value);
    return 1;
  }),
  kamailioFunction('uri_param_any', 'name', 'whether the request-URI has a parameter', (run, [name]) =>
    code(uriParam(parseUri(run.call.requestUri)?.params ?? '', textOf(name, run)) !== undefined),
  ),
  kamailioFunction('uri_param_rm', 'name', 'removes a parameter of the request-URI', (run, [name]) =>
    ruriParamEdit(run, (params) => withoutUriParam(params, textOf(name, run))),
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
