import { trimmed } from '../core/characters.js';
import { ipFamily } from '../core/ip-address.js';
import { contains, ipv4Number, readNetwork } from '../core/ipv4-network.js';
import { mediaType } from '../core/multipart.js';
import { networkTest } from '../core/network-index.js';
import { parseUri, uriParam } from '../core/uri.js';
import { isKamailioUri } from '../pvar/variables/script-uris.js';
import { maxForwardsFunctions } from '../route/functions/max-forwards.js';
import { MESSAGE_FUNCTIONS } from '../route/functions/message.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters, ModuleState } from '../script/environment.js';
import type { SipMessage } from '../sip/message.js';
import { parseMessage } from '../sip/parse-message.js';
import {
  BOTH,
  code,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { isFirstHop } from './first-hop.js';
import { sharedFunctions } from './shared.js';

/** Continues the run with another parsed message; offsets before the edits stay valid. */
function replaceMessage(run: MessageRun, fresh: SipMessage): void {
  run.call.message = fresh;
  run.call.scope.message = fresh;
  run.message = fresh;
}

/** Maximum value of Max-Forwards in a sent request (max_limit); undefined when the file does not set it. */
const highestMaxForwards: ModuleState<{ readonly limit: number | undefined }> = {
  module: 'maxfwd',
  create: (parameters) => ({ limit: parameters.has('max_limit') ? parameters.int('max_limit', 0) : undefined }),
};

/** Writing Max-Forwards: OpenSIPS changes the message at once, Kamailio when it is sent. */
const maxForwards = maxForwardsFunctions<MessageRun>({
  add({ message, edits, env }, limit) {
    const at = env.dialect === 'kamailio' ? message.headersStart : message.headersEnd;
    edits.insert(at, `Max-Forwards: ${limit}\r\n`);
  },
  decrement(run, hops) {
    const { message } = run;
    const kamailio = run.env.dialect === 'kamailio';
    const { limit = kamailio ? 70 : 255 } = run.env.modules.of(highestMaxForwards);
    // As recorded, Kamailio writes the limit in place of a higher value, and decrements the limit itself.
    const next = kamailio ? (hops > limit ? limit : hops - 1) : Math.min(hops - 1, limit);
    const width = message.maxForwardsEnd - message.maxForwardsValue;
    // As recorded, Kamailio overwrites the old value, padded with blanks.
    const text = kamailio ? String(next).padStart(width, ' ') : String(next);
    if (text.length === width) {
      // Later statements read the new number.
      const { text: whole, maxForwardsValue: at } = message;
      const fresh = parseMessage(whole.slice(0, at) + text + whole.slice(at + width));
      if (fresh !== undefined) return replaceMessage(run, fresh);
    }
    run.edits.drop((edit) => edit.start === message.maxForwardsValue && edit.end === message.maxForwardsEnd);
    run.edits.replace(message.maxForwardsValue, message.maxForwardsEnd, text);
  },
});

/** Whether a text is a URI for is_uri(): as recorded, also urn:, and one with an empty port. */
function isUri(text: string): boolean {
  return /^urn:./i.test(text) || isKamailioUri(text.replace(/:(?=$|[;?])/, ''));
}

/** Functions that test a message: method, To tag, Max-Forwards, body. */
export const messageFunctions: ScriptFunction[] = [
  ...sharedFunctions('sipmsgops|textops', BOTH, { is_method: MESSAGE_FUNCTIONS.is_method }),
  ...sharedFunctions('sipmsgops|siputils|textops', BOTH, { has_totag: MESSAGE_FUNCTIONS.has_totag }),
  ...sharedFunctions('maxfwd', OPENSIPS, maxForwards.opensips),
  ...sharedFunctions('maxfwd', KAMAILIO, maxForwards.kamailio),
  ...moduleFunctions('sipmsgops', [
    {
      name: 'has_body_part',
      dialects: OPENSIPS,
      parameters: [optional('type', 'string')],
      summary: 'whether there is a body, of a type',
      compile:
        ([type]) =>
        (run) =>
          code(hasBody(run, textOf(type, run))),
    },
    {
      name: 'has_body',
      dialects: OPENSIPS,
      parameters: [
        optional('type', 'string', {
          check: (v) => (/^[\w.+*-]+\/[\w.+*-]+$/.test(String(v)) ? undefined : `"${v}" is not a MIME type`),
        }),
      ],
      summary: 'whether there is a body, of a type',
      compile:
        ([type]) =>
        (run) =>
          // As recorded, without a type it is true for every message.
          code(type === undefined || hasBody(run, textOf(type, run))),
    },
    {
      name: 'is_privacy',
      dialects: OPENSIPS,
      parameters: [param('kind', 'string')],
      summary: 'whether the Privacy header asks for a kind',
      compile:
        ([kind]) =>
        (run) =>
          code(isPrivacy(run, textOf(kind, run))),
    },
    {
      name: 'is_uri_user_e164',
      dialects: OPENSIPS,
      parameters: [param('uri', 'string')],
      summary: 'whether the user of a URI is a number of E.164',
      compile:
        ([uri]) =>
        (run) =>
          code(/^\+[0-9]{2,15}$/.test(parseUri(textOf(uri, run))?.user ?? '')),
    },
    {
      name: 'is_audio_on_hold',
      dialects: OPENSIPS,
      summary: 'whether audio is on hold',
      compile: () => (run) => heldBy(run) ?? -1,
    },
  ]),
  ...moduleFunctions('textops', [
    {
      name: 'has_body',
      dialects: KAMAILIO,
      parameters: [optional('type', 'string')],
      summary: 'whether there is a body, of a type',
      compile:
        ([type]) =>
        (run) =>
          code(hasBody(run, type === undefined ? undefined : textOf(type, run))),
    },
    {
      name: 'is_privacy',
      dialects: KAMAILIO,
      parameters: [param('kind', 'string')],
      summary: 'whether the Privacy header asks for a kind',
      compile:
        ([kind]) =>
        (run) =>
          code(isPrivacy(run, textOf(kind, run))),
    },
    {
      name: 'is_audio_on_hold',
      dialects: KAMAILIO,
      summary: 'whether audio is on hold',
      compile: () => (run) => code(heldBy(run) !== undefined),
    },
  ]),
  ...moduleFunctions('siputils', [
    {
      name: 'is_request',
      dialects: KAMAILIO,
      summary: 'whether the message is a request',
      compile: () => (run) => code(run.message.isRequest),
    },
    {
      name: 'is_reply',
      dialects: KAMAILIO,
      summary: 'whether the message is a reply',
      compile: () => (run) => code(!run.message.isRequest),
    },
    {
      name: 'is_first_hop',
      dialects: KAMAILIO,
      parameters: [optional('mode', 'int')],
      summary: 'whether this proxy is the first hop of the message',
      compile: () => (run) => code(isFirstHop(run)),
    },
    {
      name: 'is_uri',
      dialects: KAMAILIO,
      parameters: [param('text', 'string')],
      summary: 'whether a text is a URI',
      compile:
        ([text]) =>
        (run) =>
          code(isUri(textOf(text, run))),
    },
    {
      name: 'is_user',
      dialects: KAMAILIO,
      parameters: [param('user', 'string')],
      summary: 'whether the user of the credentials is this one',
      compile: () => () => -1,
    },
    {
      name: 'add_uri_param',
      dialects: KAMAILIO,
      parameters: [param('parameter', 'string')],
      summary: 'adds a parameter to the request-URI',
      compile:
        ([value]) =>
        (run) => {
          const uri = run.call.requestUri;
          // As recorded, variables in a quoted text are not replaced.
          const literal = value !== undefined && !value.bare && value.text !== '';
          const added = literal ? value.text : textOf(value, run);
          if (added === '') return 1;
          if (!isKamailioUri(uri)) return -1;
          // As recorded, for a URI with headers the result is an invalid URI.
          run.pvars.setRequestUri(uri.includes('?') ? 'sip:@@' : `${uri};${added}`);
          return 1;
        },
    },
    {
      name: 'is_numeric',
      dialects: KAMAILIO,
      parameters: [param('text', 'string')],
      summary: 'whether a text is of digits only',
      compile:
        ([text]) =>
        (run) =>
          /^[0-9]+$/.test(textOf(text, run)) ? 1 : -2,
    },
    {
      name: 'is_alphanum',
      dialects: KAMAILIO,
      parameters: [param('text', 'string')],
      summary: 'whether a text is of letters and digits only',
      compile:
        ([text]) =>
        (run) =>
          /^[0-9A-Za-z]+$/.test(textOf(text, run)) ? 1 : textOf(text, run) === '' ? -2 : -3,
    },
    {
      name: 'is_gruu',
      dialects: KAMAILIO,
      parameters: [optional('uri', 'string')],
      summary: 'whether a URI is a GRUU',
      compile:
        ([uri]) =>
        (run) => {
          const params = parseUri(uri === undefined ? run.call.requestUri : textOf(uri, run))?.params ?? '';
          const value = uriParam(params, 'gr');
          // A temporary header field has no value.
          return value === undefined ? -1 : value === '' ? 2 : 1;
        },
    },
  ]),
  ...moduleFunctions('ipops', ipFunctions()),
];

function ipFunctions(): FunctionSpec[] {
  const test = (name: string, summary: string, check: (text: string) => boolean): FunctionSpec => ({
    name,
    dialects: KAMAILIO,
    parameters: [param('text', 'string')],
    summary,
    compile:
      ([text]) =>
      (run) =>
        code(check(textOf(text, run))),
  });
  const bare = (text: string): string => text.replace(/^\[(.*)\]$/, '$1');
  return [
    test('is_ip', 'whether a text is an IP address', (text) =>
      text.startsWith('[') ? ipFamily(bare(text)) === 6 : ipFamily(text) !== 0,
    ),
    test('is_pure_ip', 'whether a text is an IP address without brackets', (text) => ipFamily(text) !== 0),
    test('is_ipv4', 'whether a text is an IPv4 address', (text) => ipFamily(text) === 4),
    test('is_ipv6', 'whether a text is an IPv6 address', (text) => ipFamily(text) === 6),
    test(
      'is_ipv6_reference',
      'whether a text is an IPv6 address in brackets',
      (text) => /^\[.*\]$/.test(text) && ipFamily(bare(text)) === 6,
    ),
    test('is_ip_rfc1918', 'whether an address is private (RFC 1918)', (text) => isInOne(PRIVATE, text)),
    {
      name: 'is_rfc1918',
      dialects: KAMAILIO,
      parameters: [param('text', 'string')],
      summary: 'whether an address is private, as nat_uac_test() sees it',
      compile:
        ([text]) =>
        (run) =>
          textOf(text, run) === '' ? -2 : code(isPrivateHere(run, textOf(text, run))),
    },
    {
      name: 'is_in_subnet',
      dialects: KAMAILIO,
      parameters: [param('address', 'string'), param('networks', 'string')],
      summary: 'whether an address is in a network',
      compile:
        ([address, networks]) =>
        (run) => {
          const contains = networkTest(textOf(address, run));
          return code(
            textOf(networks, run)
              .split(',')
              .some((each) => contains(trimmed(each))),
          );
        },
    },
  ];
}

/** Networks of RFC 1918. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map(readNetwork);
/** Those, and that of RFC 6598. */
const PRIVATE_OR_SHARED = [...PRIVATE, readNetwork('100.64.0.0/10')];

const CARRIER_GRADE = readNetwork('192.0.0.0/29');
const ASSIGNED = readNetwork('192.0.0.0/24');

/** Further addresses that Kamailio's nathelper takes for private ones, by nat_addr_mode. */
const reserved = {
  module: 'nathelper',
  create: (parameters: ModuleParameters) => (parameters.int('nat_addr_mode', 1) === 0 ? CARRIER_GRADE : ASSIGNED),
};

/** Whether Kamailio's nathelper takes an address for a private one. */
export function isPrivateHere(run: MessageRun, address: string): boolean {
  if (isPrivateAddress(address)) return true;
  return contains(run.env.modules.of(reserved), address, ipv4Number(address));
}

/** Whether an IPv4 address is private (RFC 1918) or shared (RFC 6598); false for other texts. */
export function isPrivateAddress(address: string): boolean {
  return isInOne(PRIVATE_OR_SHARED, address);
}

function isInOne(networks: typeof PRIVATE, address: string): boolean {
  const number = ipv4Number(address);
  return number !== undefined && networks.some((each) => contains(each, address, number));
}

function hasBody(run: MessageRun, type: string | undefined): boolean {
  const { message } = run;
  if (message.bodyEnd <= message.bodyStart) return false;
  if (type === undefined || type === '') return true;
  const given = message.header('content-type') ?? '';
  if (run.env.dialect === 'opensips' && given === '') return type.toLowerCase() === 'application/sdp';
  return mediaType(given) === type.toLowerCase();
}

function isPrivacy(run: MessageRun, kind: string): boolean {
  const wanted = kind.toLowerCase();
  for (const value of run.message.headers('privacy')) {
    if (value.split(/[;,]/).some((each) => trimmed(each).toLowerCase() === wanted)) return true;
  }
  return false;
}

const NULL_ADDRESS = /^c=IN IP(?:4 0\.0\.0\.0|6 ::)(?:[/ \r]|$)/m;
const HELD = /^a=(?:sendonly|inactive)\r?$/m;
const DIRECTION = /^a=(?:sendonly|recvonly|sendrecv|inactive)\r?$/m;

/**
 * How an audio stream is on hold: 1 by the null address (RFC 2543), 2 by sendonly or inactive (RFC 3264 section 8.4);
 * undefined when none is. Lines before the first stream apply to streams without such lines.
 */
function heldBy(run: MessageRun): 1 | 2 | undefined {
  const [session = '', ...streams] = run.message.body.split(/^(?=m=)/m);
  const hasNull = NULL_ADDRESS.test(session);
  const isHeld = HELD.test(session);
  for (const stream of streams) {
    if (!stream.startsWith('m=audio ')) continue;
    if (/^c=/m.test(stream) ? NULL_ADDRESS.test(stream) : hasNull) return 1;
    if (DIRECTION.test(stream) ? HELD.test(stream) : isHeld) return 2;
  }
  return undefined;
}
