import { randomBytes } from 'node:crypto';
import { parseAddress } from '../core/name-addr.js';
import { ownValue } from '../core/own-value.js';
import { bracketed, parseUri } from '../core/uri.js';
import { compileFormat } from './format.js';
import { COMMON_NAMES, type FormatNames } from './format-names.js';
import { paramValue } from './header-values.js';
import type { TransformationDefinition } from './transformations/definition.js';
import { KAMAILIO_SHARED, kamailioTransformations, laterTransformations } from './transformations/kamailio.js';
import { evaluation, opensipsTransformations } from './transformations/opensips.js';
import { sdpTransformations } from './transformations/sdp.js';
import { sqlTransformations } from './transformations/sql.js';
import { lastAddress } from './uri-memo.js';
import { bodyVariable } from './variables/body-parts.js';
import { type Getter, orNull, plain, type VariableDefinition } from './variables/definition.js';
import { jsonVariables } from './variables/json.js';
import { opensipsOnly } from './variables/opensips.js';
import { bodyLength, bodyText, headerName, headerReader, headerVariables } from './variables/script-headers.js';
import {
  empty,
  kamailioAvp,
  kamailioNullVar,
  kamailioVar,
  opensipsAvp,
  returnValue,
  routeName,
  routeType,
  routeVariable,
  sharedVariable,
} from './variables/script-state.js';
import { KAMAILIO_URIS, kamailioUser, OPENSIPS_URIS, scriptUriVariables } from './variables/script-uris.js';
import { sdpBody, sdpLine, sdpStream } from './variables/sdp.js';
import { uuidVariable } from './variables/uuids.js';
import { xavpVariables } from './variables/xavps.js';

/** Names of the common table that opensips.cfg does not know. */
const NOT_IN_OPENSIPS = new Set(['pr', 'proto', 'Ri', 'Rp', 'fs', 'xavp', 'dsg', 'stat', 'hdr_cnt', 'shtag']);

/** Names of the common table that kamailio.cfg does not know, or that mean something else there. */
const NOT_IN_KAMAILIO = new Set([
  'param',
  'socket_in',
  'hdrcnt',
  'hdr_cnt',
  'ct.fields',
  'dsg',
  'stat',
  'shtag',
  'cluster.sh_tag',
]);

/** The CSeq number as a text, so that "+" concatenates it instead of adding. */
const cseqText = plain(({ message }) =>
  message.cseqNumber !== undefined && message.cseqNumber >= 0 ? String(message.cseqNumber) : null,
);

/** A part of the address in a header field. */
function addressPart(header: string, of: (raw: string) => string | undefined): VariableDefinition {
  return plain(({ message }) => {
    const raw = message.header(header);
    return raw === undefined ? null : orNull(of(raw));
  });
}

const uriOf = (raw: string) => parseAddress(raw).uri;
const userOf = (raw: string) => parseUri(parseAddress(raw).uri)?.user;
const hostOf = (raw: string) => parseUri(parseAddress(raw).uri)?.host;
const displayOf = (raw: string) => parseAddress(raw).display;
const paramOf = (name: string) => (raw: string) => paramValue(parseAddress(raw).params, name);

const microseconds = plain(({ clock }) => (clock.now() % 1000) * 1000);

const randomNumber = plain(() => randomBytes(4).readInt32BE() & 0x7fff_ffff);

const environment: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: (argument) => ({
    get: (context) => ownValue(process.env, argument?.constant ?? argument?.read(context) ?? '') ?? null,
  }),
};

const opensipsHeaders = headerVariables(headerReader('vftimclk'), ', ', ['hdrcnt', 'hdr_cnt']);

const OPENSIPS_VARIABLES: readonly (readonly [string, VariableDefinition])[] = [
  ...scriptUriVariables(OPENSIPS_URIS),
  ...opensipsHeaders,
  ['hdr_name', headerName],
  ['avp', opensipsAvp],
  ['cs', cseqText],
  ['src_ip', plain((context) => orNull(context.sourceAddress))],
  ['pn', addressPart('P-Preferred-Identity', displayOf)],
  ['pu', addressPart('P-Preferred-Identity', uriOf)],
  ['pU', addressPart('P-Preferred-Identity', userOf)],
  ['pd', addressPart('P-Preferred-Identity', hostOf)],
  ['re', addressPart('Remote-Party-ID', uriOf)],
  ['dir', addressPart('Diversion', paramOf('reason'))],
  ['dip', addressPart('Diversion', paramOf('privacy'))],
  ['path', plain(({ message }) => orNull(message.header('Path')))],
  ['mi', plain(({ messageNumber }) => messageNumber ?? 0)],
  ['return', returnValue],
  ['route', routeVariable],
  ['route.name', routeName],
  ['route.type', routeType],
  ['rb', bodyVariable],
  ['sdp', sdpBody],
  ['sdp.line', sdpLine],
  ['sdp.stream', sdpStream],
  ['C', empty('')],
  ['msg.is_request', plain(({ message }) => (message.isRequest ? 1 : 0))],
  ['env', environment],
  ['shv', sharedVariable],
  ['RANDOM', randomNumber],
  ['uuid', uuidVariable],
  ['argv', empty(null)],
  ['cfg_line', empty(null, 'none')],
  ['cfg_file', empty(null, 'none')],
  ['Tsm', microseconds],
  ...opensipsOnly(COMMON_NAMES.variables),
  ...jsonVariables,
];

/**
 * $fu, $fU, $fd, $fn and the same of To. Writing changes the message that is sent; reading gives the received value.
 */
function writableAddresses(): [string, VariableDefinition][] {
  const parts = { u: 'uri', U: 'user', d: 'domain', n: 'display' } as const;
  const headers = { f: 'from', t: 'to' } as const;
  const table: [string, VariableDefinition][] = [];
  for (const [letter, header] of Object.entries(headers)) {
    for (const [end, part] of Object.entries(parts)) {
      const definition = COMMON_NAMES.variables.get(letter + end);
      if (definition === undefined) continue;
      const get = part === 'user' ? addressUser(header) : definition.compile(undefined, undefined).get;
      table.push([letter + end, plain(get, (context, value) => context.editAddress?.(header, part, value))]);
    }
  }
  return table;
}

/** The user in From or To, as Kamailio parses it. */
function addressUser(header: 'from' | 'to'): Getter {
  const parse = lastAddress();
  return ({ message }) => {
    const raw = message[header];
    const parsed = raw === undefined || raw === '' ? undefined : parse(raw).parsed;
    return parsed === undefined ? null : orNull(kamailioUser(parsed));
  };
}

const kamailioHeaders = headerVariables(headerReader('vftimclkesorbux'), ',', ['hdrc']);

const KAMAILIO_VARIABLES: readonly (readonly [string, VariableDefinition])[] = [
  ...scriptUriVariables(KAMAILIO_URIS),
  ...kamailioHeaders,
  ...writableAddresses(),
  ['avp', kamailioAvp],
  ['var', kamailioVar],
  ['vn', kamailioNullVar],
  ['vz', kamailioVar],
  ['shv', sharedVariable],
  ['RANDOM', randomNumber],
  ...xavpVariables,
  ['cs', cseqText],
  ['rs', plain(({ message, replyCode }) => (message.isRequest ? null : String(replyCode ?? message.status ?? '')))],
  ['rr', plain(({ message }) => (message.isRequest ? null : orNull(message.reason)))],
  ['pr', plain((context) => orNull(context.protocol.toLowerCase()))],
  ['proto', plain((context) => orNull(context.protocol.toLowerCase()))],
  ['su', plain((context) => `sip:${sourceOf(context)}`)],
  ['sut', plain((context) => `sip:${sourceOf(context)};transport=${context.protocol.toLowerCase()}`)],
  ['fti', addressPart('From', paramOf('tag'))],
  ['tti', addressPart('To', paramOf('tag'))],
  ['rb', bodyText],
  ['bs', bodyLength],
  ['mi', plain(({ messageNumber }) => messageNumber ?? 0)],
  ['mt', plain(({ message }) => (message.isRequest ? 1 : 2))],
  ['rmid', plain(({ message }) => ownValue(METHOD_NUMBERS, message.method ?? '') ?? 0)],
  ['pU', addressPart('P-Preferred-Identity', userOf)],
  ['pu', addressPart('P-Preferred-Identity', uriOf)],
  ['pn', addressPart('P-Preferred-Identity', displayOf)],
  ['pd', addressPart('P-Preferred-Identity', hostOf)],
  ['re', addressPart('Remote-Party-ID', uriOf)],
  ['rt', addressPart('Refer-To', uriOf)],
  ['pp', plain(() => process.pid)],
  ['env', environment],
  ['def', empty(null, 'required')],
  ['cfg', empty(null, 'required')],
  ['C', empty('')],
  ['?', plain((context) => context.returnCode)],
  ['rc', plain((context) => context.returnCode)],
  ['retcode', plain((context) => context.returnCode)],
  ['null', plain(() => null)],
];

/** Bits that stand for methods in Kamailio. */
const METHOD_NUMBERS: Readonly<Record<string, number>> = {
  INVITE: 1,
  CANCEL: 2,
  ACK: 4,
  BYE: 8,
  INFO: 16,
  REGISTER: 32,
  SUBSCRIBE: 64,
  NOTIFY: 128,
  MESSAGE: 256,
  OPTIONS: 512,
  PRACK: 1024,
  UPDATE: 2048,
  REFER: 4096,
  PUBLISH: 8192,
};

function sourceOf({
  sourceAddress,
  sourcePort,
}: {
  readonly sourceAddress: string;
  readonly sourcePort: number;
}): string {
  return `${bracketed(sourceAddress)}:${sourcePort}`;
}

function without<T>(table: ReadonlyMap<string, T>, names: ReadonlySet<string>): [string, T][] {
  return [...table].filter(([name]) => !names.has(name));
}

const shared: ReadonlySet<string> = new Set(KAMAILIO_SHARED);

/** Transformations of route scripts that OpenSIPS does not have, or has in another form. */
const NOT_OF_OPENSIPS = /^uri\.scheme$/;

const opensipsTransformationTable: Map<string, TransformationDefinition> = new Map([
  ...[...COMMON_NAMES.transformations].filter(([name]) => !NOT_OF_OPENSIPS.test(name)),
  ...opensipsTransformations,
  ...sdpTransformations,
]);

/** Variables and transformations of opensips.cfg. */
export const OPENSIPS_NAMES: FormatNames = {
  variables: new Map([...without(COMMON_NAMES.variables, NOT_IN_OPENSIPS), ...OPENSIPS_VARIABLES]),
  transformations: opensipsTransformationTable,
  greedy: true,
  foldCase: true,
};

opensipsTransformationTable.set(
  's.eval',
  evaluation((text) => {
    try {
      return compileFormat(text, { names: OPENSIPS_NAMES });
    } catch {
      return undefined;
    }
  }),
);

/** Names of OpenSIPS 3.x, including variables that were removed later. */
export const OPENSIPS_3_NAMES: FormatNames = {
  ...OPENSIPS_NAMES,
  variables: new Map([
    ...OPENSIPS_NAMES.variables,
    ...[...COMMON_NAMES.variables].filter(([name]) => ['pr', 'proto', 'Ri', 'Rp', 'fs'].includes(name)),
    ['af', plain(({ sourceAddress }) => (sourceAddress.includes(':') ? 'INET6' : 'INET'))],
  ]),
};

/** Names of OpenSIPS before 3.0. */
export const OPENSIPS_OLD_NAMES: FormatNames = OPENSIPS_3_NAMES;

/** Variables and transformations of kamailio.cfg. */
export const KAMAILIO_NAMES: FormatNames = {
  variables: new Map([...without(COMMON_NAMES.variables, NOT_IN_KAMAILIO), ...KAMAILIO_VARIABLES]),
  transformations: new Map([
    ...[...COMMON_NAMES.transformations].filter(([name]) => shared.has(name)),
    ...kamailioTransformations,
    ...sqlTransformations,
  ]),
  emptyTransformed: true,
  typedArguments: true,
  keepsBlanksAfter: true,
  greedy: true,
  foldCase: false,
  tight: true,
  questionMarks: true,
};

/** Names of Kamailio 5.7 and later. */
export const KAMAILIO_6_NAMES: FormatNames = {
  ...KAMAILIO_NAMES,
  transformations: new Map([...KAMAILIO_NAMES.transformations, ...laterTransformations]),
};

/** The same names with more variables, or with replaced ones. */
export function withVariables(names: FormatNames, more: Iterable<readonly [string, VariableDefinition]>): FormatNames {
  return { ...names, variables: new Map([...names.variables, ...more]) };
}
