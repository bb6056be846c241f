import { AddressBlocks } from '../core/address-blocks.js';
import { trimEnd } from '../core/characters.js';
import { findText } from '../core/find-text.js';
import { ipFamily } from '../core/ip-address.js';
import { parseAddress } from '../core/name-addr.js';
import { bareHost, bracketed, parseUri, type SipUri, uriParam, withoutUriParam } from '../core/uri.js';
import { isKamailioUri } from '../pvar/variables/script-uris.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { type RouteValue, routeValues } from '../sip/route-set.js';
import { hostPort } from '../sip/transport/transport.js';
import {
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { isPrivateAddress, isPrivateHere } from './message.js';
import { sdpFunctions } from './nat-sdp.js';
import { numberedAddress, numberedUri, TRANSPORT_NUMBERS } from './socket-variables.js';
import { cutUri, joinUri } from './uri-parts.js';
import { wordBits } from './word-bits.js';

/** Tests of nat_uac_test by their names in OpenSIPS; the bits are the same in both programs. */
const TESTS: Readonly<Record<string, number>> = {
  'private-contact': 1,
  'diff-ip-src-via': 2,
  'private-via': 4,
  'private-sdp': 8,
  'diff-port-src-via': 16,
  'diff-ip-src-contact': 32,
  'diff-port-src-contact': 64,
  'carrier-grade-nat': 128,
};

/** Addresses of DS-Lite tunnels (RFC 6333 section 5.7): OpenSIPS' test carrier-grade-nat. */
const CARRIER_GRADE = new AddressBlocks(['192.0.0.0/29']);

/**
 * The Contact value that Kamailio's nathelper tests and changes: as recorded, the last one of the first Contact field.
 */
function lastOfFirstField(run: MessageRun): RouteValue | undefined {
  const contacts = routeValues(run.message, 'contact', 64);
  const field = contacts[0]?.fieldValue;
  const last = contacts.findLast((each) => each.fieldValue === field);
  // A telephone URI has no host to compare or replace.
  return last?.uri?.host === '' ? undefined : last;
}

function contactTested(run: MessageRun): SipUri | undefined {
  if (run.env.dialect === 'opensips') {
    const contact = run.message.header('contact');
    return contact === undefined ? undefined : parseUri(parseAddress(contact).uri);
  }
  const last = lastOfFirstField(run);
  // As recorded, the tests use the URI that another function has written over the Contact's.
  const changed =
    last && run.edits.list.findLast(({ start, end }) => end > start && start < last.end && end > last.start);
  return changed === undefined || changed.text === '' ? last?.uri : parseUri(parseAddress(changed.text).uri);
}

function sdpAddresses(run: MessageRun): string[] {
  if (run.env.dialect === 'kamailio' && run.message.nextField('content-type') === undefined) return [];
  return [...run.message.body.matchAll(/^c=IN IP[46] ([^\r\n/ ]+)/gm)].map(([, address = '']) => address);
}

/** Bits of the tests of either dialect that look at Contact. */
const CONTACT_TESTS = 1 | 32 | 64 | 128;

/** Whether $du has another host or port than the request-URI, or goes over WebSocket. */
function leavesUri({ pvars, call }: MessageRun): boolean {
  const next = parseUri(pvars.destinationUri ?? '');
  const uri = parseUri(call.requestUri);
  if (next === undefined || uri === undefined) return false;
  if (/^wss?$/i.test(uriParam(next.params, 'transport') ?? '')) return true;
  return next.host !== uri.host || (next.port ?? 5060) !== (uri.port ?? 5060);
}

/** Whether one of the tests in `bits` finds NAT. */
export function natTest(run: MessageRun, bits: number): number {
  const kamailio = run.env.dialect === 'kamailio';
  const { message, source } = run;
  const { via } = message;
  const contact = (bits & CONTACT_TESTS) === 0 ? undefined : contactTested(run);
  const isPrivate = (address: string): boolean =>
    kamailio
      ? isPrivateHere(run, address)
      : isPrivateAddress(address) || ((bits & 128) !== 0 && CARRIER_GRADE.has(address));
  if ((bits & 1) !== 0 && contact !== undefined && isPrivate(contact.host)) return 1;
  if ((bits & 2) !== 0 && via !== undefined && via.host !== source.address) return 1;
  if ((bits & 4) !== 0 && via !== undefined && isPrivate(via.host)) return 1;
  if ((bits & 8) !== 0 && sdpAddresses(run).some(isPrivate)) return 1;
  if ((bits & 16) !== 0 && via !== undefined && (via.port || 5060) !== source.port) return 1;
  if (kamailio) {
    if ((bits & 32) !== 0 && isPrivateAddress(source.address)) return 1;
    if ((bits & 64) !== 0 && /^wss?$/.test(source.socket.transport)) return 1;
    if ((bits & 128) !== 0 && contact !== undefined && (contact.port ?? 5060) !== source.port) return 1;
    // As recorded, the first address decides.
    const media = (bits & 256) === 0 ? undefined : sdpAddresses(run).find((each) => ipFamily(each) > 0);
    if (media !== undefined && media !== source.address) return 1;
    return (bits & 512) !== 0 && message.isRequest && leavesUri(run) ? 1 : -1;
  }
  if ((bits & 32) !== 0 && contact !== undefined && contact.host !== source.address) return 1;
  if ((bits & 64) !== 0 && contact !== undefined && (contact.port ?? 5060) !== source.port) return 1;
  return -1;
}

/** The Contact value that Kamailio's nathelper changes; undefined where another function has replaced it. */
function lastContact(run: MessageRun): RouteValue | undefined {
  const last = lastOfFirstField(run);
  if (last?.uri === undefined) return undefined;
  const changed = run.edits.list.some(({ start, end }) => end > start && start < last.end && end > last.start);
  return changed ? undefined : last;
}

/**
 * Replaces the address in Contact by the message's source address; with `kept` the old one is kept in a parameter
 * "org".
 */
export function fixContact(run: MessageRun, params: string, kept = false): number {
  const { message, source, edits, env } = run;
  const last = env.dialect === 'kamailio' ? lastContact(run) : undefined;
  const contacts = env.dialect === 'opensips' ? routeValues(message, 'contact', 64) : last === undefined ? [] : [last];
  if (contacts.length === 0) return -1;
  for (const contact of contacts) {
    const parts = cutUri(contact.text);
    if (parts === undefined) return -1;
    const at = findText(message.text, contact.text, contact.start);
    if (at < 0 || at > contact.end) continue;
    const host = bracketed(source.address);
    const before = `${parts.host}${parts.port === undefined ? '' : `:${parts.port}`}`;
    const org = kept ? `;org=${Buffer.from(before, 'latin1').toString('base64')}` : '';
    const fixed = joinUri({ ...parts, host, port: String(source.port), params: params + parts.params + org });
    if (edits.list.some((edit) => edit.start === at && edit.end === at + contact.text.length)) continue;
    edits.replace(at, at + contact.text.length, fixed);
  }
  return 1;
}

/** Moves the request-URI to $du, and writes the host and port of its parameter "org" into the request-URI. */
function restoreUri(run: MessageRun): number {
  const parts = cutUri(run.call.requestUri);
  const org = uriParam(parts?.params ?? '', 'org');
  const address = Buffer.from(org ?? '', 'base64').toString('latin1');
  const [, host, port] = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(address) ?? [];
  if (parts === undefined || host === undefined) return -1;
  const rest = { ...parts, params: withoutUriParam(parts.params, 'org') };
  run.pvars.destinationUri = joinUri(rest);
  run.pvars.setRequestUri(joinUri({ ...rest, host, port }));
  return 1;
}

const aliasName = (run: MessageRun): string => run.env.modules.module('nathelper').text('alias_name', 'alias');

/** Adds ";alias=address~port~protocol" to a Contact. */
function addAlias(run: MessageRun, address: string, port: number, protocol: string, isLast = false): number {
  const { message, edits } = run;
  const contact = lastContact(run);
  const number = TRANSPORT_NUMBERS.get(protocol.toLowerCase());
  if (contact === undefined || number === undefined) return -1;
  const { text } = contact;
  const at = findText(message.text, text, contact.start);
  const alias = `;${aliasName(run)}=${address}~${port}~${number}`;
  // As recorded, before the parameters of the URI; set_contact_alias() adds it after them.
  const params = isLast ? -1 : text.slice(text.indexOf('@') + 1).search(/[;?]/);
  const end = params < 0 ? text.length : text.indexOf('@') + 1 + params;
  // A URI without brackets gets them; otherwise the alias would be a parameter of Contact.
  const bare = message.text[at - 1] !== '<';
  const inBrackets = trimEnd(message.text.slice(contact.start, at)).endsWith('<');
  if (!isLast && inBrackets) edits.insert(at + end, alias);
  else if (!isLast) {
    // As recorded, the bracket is put before the first contact of the field.
    edits.insert(contact.fieldValue, '<');
    edits.insert(at + text.length, `${alias}>`);
  } else {
    const changed = text.slice(0, end) + alias + text.slice(end);
    edits.replace(at, at + text.length, bare ? `<${changed}>` : changed);
  }
  return 1;
}

/** Moves the alias of the request-URI into $du. */
function handleAlias(run: MessageRun, last: boolean): number {
  const text = run.call.requestUri;
  if (!isKamailioUri(text)) return -1;
  const uri = parseUri(text);
  if (uri === undefined || uri.scheme === 'tel') return NO_ALIAS;
  const name = `;${aliasName(run)}=`;
  const params = text.length - uri.headers.length - uri.params.length;
  const found = last ? uri.params.lastIndexOf(name) : uri.params.indexOf(name);
  if (found < 0) return NO_ALIAS;
  const next = uri.params.indexOf(';', found + 1);
  const end = next < 0 ? uri.params.length : next;
  const value = uri.params.slice(found + name.length, end);
  if (value.length < SHORTEST_ALIAS) return NO_ALIAS;
  // As recorded, host and port are not checked here but when the request is sent.
  const [, address = '', port = '', number = ''] = /^([^~]*)~([^~]*)~([1-6])$/.exec(value) ?? [];
  const destination = numberedUri(address, port, number);
  if (destination === undefined) return -1;
  run.pvars.setRequestUri(text.slice(0, params + found) + text.slice(params + end));
  run.pvars.destinationUri = destination;
  return 1;
}

/** As recorded, for a request-URI without an alias, and of add_contact_alias() for a message without Contact. */
const NO_ALIAS = 2;
const SHORTEST_ALIAS = 3;

/** The AVP into which fix_nated_register() writes. */
const received = {
  module: 'nathelper',
  create: (parameters: ModuleParameters) => ({ avp: parameters.avp('received_avp') }),
};

const both: FunctionSpec[] = [
  {
    name: 'nat_uac_test',
    dialects: OPENSIPS,
    parameters: [
      param('tests', 'string', {
        numbersUntil: 3,
        check: (v) => (wordBits(String(v), TESTS) === undefined ? `unknown test "${v}"` : undefined),
      }),
    ],
    summary: 'whether the sender appears to be behind NAT',
    compile:
      ([tests]) =>
      (run) => {
        const bits = wordBits(textOf(tests, run), TESTS);
        return bits === undefined ? -1 : natTest(run, bits);
      },
  },
  {
    name: 'nat_uac_test',
    dialects: KAMAILIO,
    parameters: [param('tests', 'int')],
    summary: 'whether the sender appears to be behind NAT',
    compile:
      ([tests]) =>
      (run) =>
        natTest(run, intOf(tests, run, 0)),
  },
  {
    name: 'fix_nated_contact',
    dialects: KAMAILIO,
    parameters: [optional('parameters', 'string')],
    routes: ['request', 'onreply', 'failure', 'branch', 'local', 'event'],
    summary: 'replaces the address in Contact by the source address',
    compile:
      ([params]) =>
      (run) =>
        fixContact(run, textOf(params, run)),
  },
  {
    name: 'fix_nated_contact',
    dialects: OPENSIPS,
    parameters: [
      optional('parameters', 'string'),
      optional('flags', 'string', {
        check: (v) => (/^[ \t\r\n]*(?:preserve-uri[ \t\r\n]*)?$/.test(String(v)) ? undefined : `unknown flag "${v}"`),
      }),
    ],
    routes: ['request', 'onreply', 'failure', 'branch', 'local', 'event'],
    summary: 'replaces the address in Contact by the source address; "preserve-uri" keeps the old one in a parameter',
    compile:
      ([params, flags]) =>
      (run) =>
        fixContact(run, textOf(params, run), textOf(flags, run).includes('preserve-uri')),
  },
  {
    name: 'restore_nated_ruri',
    dialects: OPENSIPS,
    routes: ['request', 'branch'],
    summary: 'restores the request-URI that "preserve-uri" kept, and sends to the address it had',
    compile: () => restoreUri,
  },
  {
    name: 'fix_nated_register',
    routes: ['request', 'event'],
    summary: 'stores the source address of a REGISTER',
    compile: (_args, { dialect, facts }) => {
      // As observed, an empty one counts as none.
      const isMissing = facts.parameter !== undefined && (facts.parameter('nathelper', 'received_avp') ?? '') === '';
      if (dialect === 'kamailio' && isMissing) {
        throw new Error('needs the parameter received_avp of nathelper');
      }
      return (run) => {
        const avp = run.env.modules.of(received).avp;
        if (avp === undefined) return 1;
        const { address, port, socket } = run.source;
        // As recorded, "ws" is written for WSS too: RFC 7118 defines no other name.
        const name = dialect === 'kamailio' && socket.transport === 'wss' ? 'ws' : socket.transport;
        const transport = name === 'udp' ? '' : `;transport=${name}`;
        run.pvars.avps.push(avp, `sip:${hostPort(address, port)}${transport}`);
        return 1;
      };
    },
  },
  ...sdpFunctions,
  {
    name: 'add_rcv_param',
    parameters: [optional('in URI', 'int')],
    summary: 'adds the source address to Contact',
    compile:
      ([inUri]) =>
      (run) => {
        const { message, source, env } = run;
        const kamailio = env.dialect === 'kamailio';
        const contacts = routeValues(message, 'contact', kamailio ? 64 : 1);
        if (contacts.length === 0) return -1;
        if (kamailio && message.text.startsWith('*', contacts[0]?.start)) return 1;
        const inside = intOf(inUri, run, 0) !== 0;
        // As recorded, no parameter is added to a URI that has been replaced.
        if (kamailio && inside && lastContact(run) === undefined) return -1;
        const uri = `sip:${source.address}:${source.port}`;
        const text = `;received=${kamailio && !inside ? `"${uri}"` : uri}`;
        for (const contact of contacts) {
          const at = findText(message.text, contact.text, contact.start) + contact.text.length;
          run.edits.insert(inside ? at : contact.end, text);
        }
        return 1;
      },
  },
];

const alias: FunctionSpec[] = [
  {
    name: 'set_alias_to_pv',
    dialects: KAMAILIO,
    parameters: [param('variable', 'writable')],
    summary: 'stores the URI of Contact with the source address as its alias',
    compile:
      ([variable]) =>
      (run) => {
        const contact = lastOfFirstField(run)?.uri;
        // As recorded, -1 for any REGISTER and INVITE.
        if (contact === undefined || /^(?:REGISTER|INVITE)$/.test(run.message.method)) return -1;
        const user = contact.user === '' ? '' : `${contact.user}@`;
        const at = contact.portText === '' ? '' : `:${contact.portText}`;
        variable?.variable?.assign(
          run.pvars,
          `<${contact.scheme}:${user}${contact.host}${at};${aliasName(run)}=${numberedAddress(run.source)}>`,
        );
        return 1;
      },
  },
  ...['add_contact_alias', 'set_contact_alias'].map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      parameters: name === 'set_contact_alias' ? [optional('trim', 'string')] : [],
      summary: 'adds the source address to Contact as an alias',
      compile:
        () =>
        (run): number => {
          const { source } = run;
          // As recorded, even if Contact has that address already.
          const isLast = name === 'set_contact_alias';
          if (!isLast && run.message.header('contact') === undefined) return NO_ALIAS;
          return addAlias(run, source.address, source.port, source.socket.transport, isLast);
        },
    }),
  ),
  {
    name: 'add_contact_alias',
    dialects: KAMAILIO,
    parameters: [param('address', 'string'), param('port', 'string'), param('protocol', 'string')],
    summary: 'adds an address to Contact as an alias',
    compile:
      ([address, port, protocol]) =>
      (run) => {
        // As recorded, a port that is not a number leaves Contact unchanged.
        const number = intOf(port, run, 0);
        const host = textOf(address, run);
        if (number <= 0 || number > 65_535 || ipFamily(bareHost(host)) === 0) return -1;
        return addAlias(run, host, number, textOf(protocol, run));
      },
  },
  {
    name: 'handle_ruri_alias',
    dialects: KAMAILIO,
    parameters: [optional('mode', 'int')],
    routes: ['request', 'failure', 'branch', 'event', 'local'],
    summary: 'sends to the alias in the request-URI',
    compile:
      ([mode]) =>
      (run) =>
        handleAlias(run, intOf(mode, run, 0) !== 0),
  },
];

/** Functions of nathelper. */
export const natFunctions: ScriptFunction[] = moduleFunctions('nathelper', [...both, ...alias]);
