import { hostname } from 'node:os';
import { trimmed } from '../core/characters.js';
import { parseAddress } from '../core/name-addr.js';
import { bracketed, defaultPort, parseUri, uriParam, uriTransport } from '../core/uri.js';
import type { PvarContext, PvarMessage } from '../pvar/context.js';
import { type Credentials, parseCredentials, splitList } from '../pvar/header-values.js';
import type { PvarValue } from '../pvar/value.js';
import { eachOf, orNull, pickOf, type TextReader, type VariableDefinition } from '../pvar/variables/definition.js';
import { isKamailioUri, kamailioUser } from '../pvar/variables/script-uris.js';
import type { CfgScope } from '../script/call.js';
import { rewritten } from '../script/outgoing.js';
import type { SipMessage } from '../sip/message.js';
import { type RouteValue, routeSet, routeValues } from '../sip/route-set.js';
import type { Via } from '../sip/via.js';
import { viaValues } from '../sip/via-values.js';
import { branchesOf, destinationSet } from './branch-variables.js';
import { byWord } from './named-fields.js';
import { routeParams } from './record-routing.js';
import { numberIn, own } from './script-variable.js';
import { shownHost, shownPort, TRANSPORT_NUMBERS } from './socket-variables.js';

const messageOf = (scope: CfgScope): SipMessage | undefined => scope.run?.message;

function firstLine(message: PvarMessage): string {
  const end = message.text.indexOf('\r\n');
  return end < 0 ? message.text : message.text.slice(0, end);
}

function headPart(message: PvarMessage): string {
  const end = message.text.indexOf('\r\n\r\n');
  return end < 0 ? message.text : message.text.slice(0, end);
}

const parts: Readonly<Record<string, (scope: CfgScope) => PvarValue>> = {
  len: ({ message }) => message.length,
  buf: ({ message }) => message.text,
  fline: ({ message }) => firstLine(message),
  lpart: ({ message }) => message.text.slice(firstLine(message).length + 2),
  body: ({ message }) => orNull(message.body),
  // As recorded, without the line break of the last header field.
  hdrs: ({ message }) => headPart(message).slice(firstLine(message).length + 2),
  fpart: ({ message }) => headPart(message),
  body_len: ({ message }) => (message.body ?? '').length,
};

/** The URI to which the message would be sent: $du, else the request-URI. */
function nextHop(scope: CfgScope): string | undefined {
  return scope.destinationUri ?? (scope.message.isRequest ? scope.requestUri : topContactHop(scope));
}

/** The URI to which a reply is sent: from the Via below ours. */
function topContactHop(scope: CfgScope): string | undefined {
  const via = viaAt(scope, 1);
  if (via === undefined) return undefined;
  return `sip:${via.host}:${via.port || 5060};transport=${via.transport.toLowerCase()}`;
}

const hopParts: Readonly<Record<string, (scope: CfgScope) => PvarValue>> = {
  u: (scope) => orNull(nextHop(scope)),
  U: (scope) => orNull(parseUri(nextHop(scope) ?? '')?.user),
  d: (scope) => orNull(parseUri(nextHop(scope) ?? '')?.host),
  p: (scope) => {
    const uri = parseUri(nextHop(scope) ?? '');
    // As recorded, sips: has no effect here, and the port is a text.
    if (uri === undefined) return null;
    return String(uri.port ?? (uri.scheme === 'sips' ? 5060 : defaultPort(uriTransport(uri) ?? 'udp')));
  },
  P: (scope) => {
    const uri = parseUri(nextHop(scope) ?? '');
    return uri === undefined ? null : (uriParam(uri.params, 'transport') ?? 'UDP');
  },
};

/** The Via value at an index; -1 is the last. */
function viaAt(scope: CfgScope, index: number): Via | undefined {
  const message = messageOf(scope);
  if (message === undefined) return undefined;
  let last: Via | undefined;
  let at = 0;
  for (const via of viaValues(message)) {
    if (at++ === index) return via;
    last = via;
  }
  return index < 0 ? last : undefined;
}

function viaVariable(index: number): VariableDefinition {
  const reader =
    (of: (via: Via, scope: CfgScope) => PvarValue) =>
    (scope: CfgScope): PvarValue => {
      const via = viaAt(scope, index);
      return via === undefined ? null : of(via, scope);
    };
  return byWord({
    host: reader(({ host }) => host),
    port: reader(({ port }) => port || 5060),
    proto: reader(({ transport }) => transport),
    protoid: reader(({ transport }) => TRANSPORT_NUMBERS.get(transport.toLowerCase()) ?? 0),
    branch: reader(({ branch }) => orNull(branch)),
    rport: reader(({ rport, rportValue }) => (rport ? String(rportValue || '') : null)),
    received: reader(({ received }) => orNull(received)),
    i: reader((via, scope) => {
      const text = messageOf(scope)?.text.slice(via.start, via.end) ?? '';
      return /;[ \t\r\n]*i[ \t\r\n]*=[ \t\r\n]*([^;, \t\r\n]+)/.exec(text)?.[1] ?? null;
    }),
  });
}

/** Header fields whose values count one by one in $hfl() and $hflc(), as recorded. */
const SPLIT = /^(?:contact|m|via|v|route|record-route)$/i;

/** The values of all header fields of a name; a field of `SPLIT` is split at commas. */
function listedValues(message: PvarMessage, name: string): string[] {
  const values: string[] = [];
  const contact = /^(?:contact|m)$/i.test(name);
  for (const field of message.headers(name)) {
    const all = SPLIT.test(name) ? splitList(field, ',') : [field];
    // As recorded, the last contact of a field comes first, and "*" is none.
    if (contact) all.reverse();
    for (const each of all) if (values.length < MAX_VALUES && !(contact && trimmed(each) === '*')) values.push(each);
  }
  return values;
}

/** Maximum number of values read from the fields of one name. */
const MAX_VALUES = 512;

function fieldName(argument: TextReader | undefined): (context: PvarContext) => string {
  return (context) => trimmed(argument?.constant ?? argument?.read(context) ?? '');
}

/** $hfl(name)[index]: the values of header fields that are lists. */
const fieldList: VariableDefinition = {
  argument: 'required',
  indexed: true,
  compile: (argument, index) => {
    const name = fieldName(argument);
    const list = (context: PvarContext) => listedValues(context.message, name(context));
    if (index?.kind !== 'all') {
      const pick = pickOf(index, list);
      // As recorded, fields that are split are not counted from the end.
      const fromEnd = (context: PvarContext) => index?.kind === 'at' && index.read(context) < 0;
      return { get: (context) => (fromEnd(context) && SPLIT.test(name(context)) ? null : pick(context)) };
    }
    return {
      all: eachOf(index, list),
      get: (context) => orNull(context.message.headers(name(context)).join(',')),
    };
  },
};

/** $hflc(name): the number of those values. */
const listLength: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: (argument) => {
    const name = fieldName(argument);
    return { get: (context) => listedValues(context.message, name(context)).length };
  },
};

/** Letters of terminal colours; capitals are bold. */
const COLOURS = 'srgybpcw_x';

/** $C(xy): the control sequence for foreground colour x and background colour y (ECMA-48). */
const colour: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: (argument) => {
    const [front = '', back = '', ...more] = argument?.constant ?? '';
    const [f, b] = [front, back].map((each) => COLOURS.indexOf(each.toLowerCase()));
    if (f === undefined || b === undefined || f < 0 || b < 0 || back === '' || more.length > 0) {
      throw new Error(`needs two of the letters ${COLOURS.replace('_', '')}`);
    }
    const sequence = `\u001b[${front === front.toLowerCase() ? 0 : 1};${30 + f};${40 + b}m`;
    return { get: () => sequence };
  },
};

/** $cnt(variable): number of its values. */
const count: VariableDefinition = {
  argument: 'required',
  indexed: false,
  counts: true,
  compile: (argument) => {
    const all = argument?.all;
    if (all === undefined) throw new Error('counts the values of $avp(name) or $xavp(name)');
    return { get: (context) => all(context).length };
  },
};

const expiryOf =
  (choose: (all: number[]) => number) =>
  ({ message }: CfgScope): PvarValue => {
    const general = message.header('Expires');
    const all = message
      .headers('Contact')
      .flatMap((field) => splitList(field, ','))
      .map((each) => parseParam(each, 'expires') ?? general)
      .filter((each) => each !== undefined && /^[0-9]{1,10}$/.test(each))
      .map(Number);
    if (all.length === 0 && general !== undefined && /^[0-9]{1,10}$/.test(trimmed(general))) all.push(Number(general));
    return all.length === 0 ? null : choose(all);
  };

function parseParam(address: string, name: string): string | undefined {
  return uriParam(parseAddress(address).params, name);
}

/** Whether the request has the direction of the dialog's first request, by "ftag" in our Record-Route. */
function upstream(scope: CfgScope): boolean {
  const params = scope.run === undefined ? undefined : routeParams(scope.run);
  const tag = /;ftag=([^;> \t\r\n,]+)/.exec(params ?? '')?.[1];
  const from = scope.call?.message.from;
  return tag !== undefined && from !== undefined && uriParam(parseAddress(from).params, 'tag') !== tag;
}

const userLength = (of: (scope: CfgScope) => string | undefined) =>
  own((scope) => {
    const text = of(scope) ?? '';
    const uri = parseUri(text);
    return isKamailioUri(text) ? (uri === undefined ? 0 : kamailioUser(uri).length) : null;
  });

const addressUri = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : parseAddress(text).uri;

/** The user and host for accounting: from the credentials, else from From. */
function accountUri(scope: CfgScope): PvarValue {
  const uri = parseUri(addressUri(scope.message.from) ?? '');
  return uri === undefined ? null : `${uri.user}@${uri.host}`;
}

function credentialsOf(message: PvarMessage): Credentials | undefined {
  const raw = message.header('Proxy-Authorization') ?? message.header('Authorization');
  return raw === undefined ? undefined : parseCredentials(raw);
}

/** The domain of the credentials' user name; "" for a user name without one. */
function accountDomain(message: PvarMessage): string | null {
  const username = credentialsOf(message)?.param('username');
  if (username === undefined) return null;
  const at = username.indexOf('@');
  return at < 0 ? '' : username.slice(at + 1);
}

/** A parameter of the credentials; "" for a missing algorithm. */
function credential(name: string): VariableDefinition {
  return own(({ message }) => {
    const credentials = credentialsOf(message);
    if (credentials === undefined) return null;
    return credentials.param(name) ?? (name === 'algorithm' ? '' : null);
  });
}

/** Version for `$version(num)` and the like; files decide by it which features they use. */
const VERSION = '5.6.3';
const FULL_VERSION = `kamailio ${VERSION} (${process.arch === 'x64' ? 'x86_64' : process.arch}/${process.platform}) `;

const chargingParts = Object.fromEntries(
  [
    ['value', 'icid-value'],
    ['genaddr', 'icid-generated-at'],
    ['orig', 'orig-ioi'],
    ['term', 'term-ioi'],
  ].map(([word = '', name = '']) => [
    word,
    (scope: CfgScope): string | null => {
      const parts = (chargingVector(scope) ?? '').split(';');
      return orNull(parts.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1));
    },
  ]),
);

/** Variables of Kamailio's pv, siputils and kex that read the message. */
export const messageVariables: readonly (readonly [string, VariableDefinition])[] = [
  ['nh', byWord(hopParts)],
  // As recorded, the whole first field; there is no index.
  ['ct', own(({ message }) => orNull(message.header('Contact')))],
  [
    'route_uri',
    own((scope) => {
      const message = messageOf(scope);
      return message === undefined ? '' : (routeSet(message)[0]?.text ?? '');
    }),
  ],
  ['msg', byWord(parts)],
  [
    'mbu',
    own((scope) => {
      const { run } = scope;
      return run === undefined || run.edits.empty ? scope.message.text : rewritten(run.message, run.edits.list);
    }),
  ],
  ['rv', own(({ message }) => /SIP\/\d\.\d/.exec(firstLine(message))?.[0] ?? null)],
  ['rUl', userLength((scope) => scope.requestUri)],
  ['oUl', userLength(({ message }) => message.requestUri)],
  ['fUl', userLength(({ message }) => addressUri(message.from))],
  ['tUl', userLength(({ message }) => addressUri(message.to))],
  ['via0', viaVariable(0)],
  ['via1', viaVariable(1)],
  ['viaZ', viaVariable(-1)],
  ['hfl', fieldList],
  ['hflc', listLength],
  [
    'rdir',
    byWord({
      id: (scope) => (upstream(scope) ? 2 : 1),
      name: (scope) => (upstream(scope) ? 'upstream' : 'downstream'),
    }),
  ],
  ['expires', byWord({ min: expiryOf((all) => Math.min(...all)), max: expiryOf((all) => Math.max(...all)) })],
  ['sas', own((scope) => `${scope.protocol.toLowerCase()}:${bracketed(scope.sourceAddress)}:${scope.sourcePort}`)],
  ['siz', own((scope) => bracketed(scope.sourceAddress))],
  ['RAu', own((scope) => `sip:${shownHost(scope)}:${shownPort(scope)}`)],
  ['RAut', own((scope) => `sip:${shownHost(scope)}:${shownPort(scope)};transport=${scope.protocol.toLowerCase()}`)],
  ['prid', own((scope) => TRANSPORT_NUMBERS.get(scope.protocol.toLowerCase()) ?? 0)],
  ['csb', own(({ message }) => orNull(message.header('CSeq')))],
  [
    'ds',
    own((scope) =>
      branchesOf(scope).length === 0 && scope.requestUri === scope.message.requestUri
        ? null
        : `Contact: ${destinationSet(scope, scope.requestUri !== scope.message.requestUri)}`,
    ),
  ],
  ['dir', diversionParam('reason')],
  ['dip', diversionParam('privacy')],
  ['dic', diversionParam('counter')],
  // Only a registrar's contacts have one.
  ['ruid', own(() => null)],
  // As recorded, "" for a user name without a domain.
  ['ad', own(({ message }) => accountDomain(message))],
  ['adn', credential('nonce')],
  ['aa', credential('algorithm')],
  ['AU', own(({ message }) => orNull(parseUri(addressUri(message.from) ?? '')?.user))],
  ['Au', own(accountUri)],
  ['C', colour],
  ['cnt', count],
  ['sid', own((scope) => Number(scope.env.groups.get('server_id') ?? 0))],
  ['HN', byWord({ n: () => hostname(), f: () => hostname(), d: () => null, i: () => null })],
  [
    'K',
    byWord(
      Object.fromEntries(
        Object.entries({ IPv4: 2, IPv6: 10, UDP: 1, TCP: 2, TLS: 3, SCTP: 4, WS: 5, WSS: 6 }).map(([name, value]) => [
          name,
          () => value,
        ]),
      ),
    ),
  ],
  // As recorded: both texts end with a space.
  ['version', byWord({ num: () => VERSION, full: () => FULL_VERSION, hash: () => 'unknown ' })],
  ['rr_count', own((scope) => recordRoutes(scope).length)],
  [
    'rr_top_count',
    own((scope) => {
      const [first] = recordRoutes(scope);
      return first === undefined ? 0 : /;r2=on\b/.test(first.text) ? 2 : 1;
    }),
  ],
  ['pcv', byWord({ all: chargingVector, ...chargingParts })],
  [
    'sdp',
    byWord({
      body: ({ message }) => sdpOf(message),
      sess_version: ({ message }) => {
        const version = /^o=[^ \t\r\n]+ [^ \t\r\n]+ ([^ \t\r\n]+)/m.exec(sdpOf(message) ?? '')?.[1] ?? null;
        return numberIn(version) ?? version;
      },
    }),
  ],
  ['cl', own(({ message }) => numberIn(message.header('Content-Length') ?? null) ?? null)],
];

function recordRoutes(scope: CfgScope): RouteValue[] {
  const message = messageOf(scope);
  return message === undefined ? [] : routeValues(message, 'record-route');
}

/** P-Charging-Vector; as recorded, null without an icid-value, and names only in small letters. */
function chargingVector({ message }: CfgScope): string | null {
  const value = message.header('P-Charging-Vector') ?? '';
  return /(?:^|;)icid-value=/.test(value) ? value : null;
}

function sdpOf(message: PvarMessage): string | null {
  return /^application\/sdp\b/i.test(message.header('Content-Type') ?? '') ? orNull(message.body) : null;
}

function diversionParam(name: string): VariableDefinition {
  return own(({ message }) => {
    const raw = message.header('Diversion');
    return raw === undefined ? null : orNull(uriParam(parseAddress(raw).params, name));
  });
}
