import type { RouteKind } from '../cfg/ast.js';
import type { CallSite } from '../cfg/function-table.js';
import { trimmed } from '../core/characters.js';
import { withoutRoot } from '../core/host-name.js';
import { parseAddress } from '../core/name-addr.js';
import { parseUri, uriTransport } from '../core/uri.js';
import { addressSpan } from '../script/address-parts.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { isAlias, isOurs, isServed } from '../script/ours.js';
import {
  type Arg,
  code,
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
import { createDialog } from './dialog/requests.js';
import { dialogs } from './dialog/state.js';
import { replyHere } from './replying.js';
import { isReplaced, keepReceived, replaced, restoreExplicitly } from './uac-restore.js';

function hasTransport({ env }: MessageRun, transport: string): boolean {
  return env.sockets.all.some((each) => each.transport === transport);
}

/** Whether a URI, or "proto:host:port", is local. */
function isMyself(run: MessageRun, text: string): boolean {
  const uri = parseUri(text);
  if (uri !== undefined) {
    if (run.env.dialect === 'opensips') return isOurs(run.env, uri.host, uri.port);
    const transport = uriTransport(uri);
    return (
      (isServed(run.env, uri.host, uri.port) && hasTransport(run, transport ?? 'udp')) ||
      isAlias(run.env, uri.host, uri.port, /;transport=/i.test(uri.params) ? transport : undefined)
    );
  }
  // As recorded, Kamailio takes a text that is not a URI as a host.
  if (run.env.dialect === 'kamailio') {
    const host = trimmed(text);
    return (
      host !== '' &&
      (isOurs(run.env, host, undefined) || run.env.sockets.all.some(({ sentBy }) => hostIn(sentBy) === host))
    );
  }
  const match = /^(?:(?:udp|tcp|tls|ws|wss|sctp):)?(\[[^\]]+\]|[^:]+)(?::(\d+))?$/i.exec(trimmed(text));
  return match !== null && isOurs(run.env, match[1] ?? '', match[2] === undefined ? undefined : Number(match[2]));
}

/** The host of "host:port". */
function hostIn(sentBy: string): string {
  const colon = sentBy.lastIndexOf(':');
  return colon < 0 ? sentBy : sentBy.slice(0, colon);
}

/** Replaces display name and URI of From or To; a part that is not given stays, and so does the tag. */
function replaceAddress(
  run: MessageRun,
  header: 'from' | 'to',
  display: string | undefined,
  uri: string | undefined,
): number {
  const { message, edits } = run;
  const [start, end] = header === 'from' ? [message.fromValue, message.fromEnd] : [message.toValue, message.toEnd];
  if (start < 0) return -1;
  const value = message.text.slice(start, end);
  if (run.env.dialect === 'kamailio') return replaceParts(run, header, value, start, display, uri);
  const address = parseAddress(value);
  const name = display === undefined ? address.display : display;
  const shown = name === '' ? '' : `${/^".*"$/.test(name) || !/[^\w .!%*+`'~-]/.test(name) ? name : `"${name}"`} `;
  edits.drop((edit) => edit.start === start && edit.end === end);
  edits.replace(start, end, `${shown}<${uri ?? address.uri}>${address.params}`);
  replaced(run, header, { uri: address.uri }, { uri: uri ?? address.uri });
  return 1;
}

/** Kamailio's form: display name and URI are replaced separately, and the text between them stays. */
function replaceParts(
  run: MessageRun,
  header: 'from' | 'to',
  value: string,
  start: number,
  display: string | undefined,
  uri: string | undefined,
): number {
  const { edits } = run;
  if (isReplaced(run, header)) return -1;
  const span = addressSpan(value, 'uri');
  if (span === undefined) return -1;
  const from = start + span.start;
  const to = start + span.end;
  const name = display === undefined ? undefined : addressSpan(value, 'display');
  if (name !== undefined && display !== undefined) {
    if (!name.blank) edits.replace(start + name.start, start + name.end, display);
    else if (display !== '' && value.startsWith('<', name.start)) edits.insert(start + name.start, `${display} `);
    else if (display !== '') {
      edits.insert(from, `${display} <`);
      edits.insert(to, '>');
    }
  }
  if (uri !== undefined) {
    // As recorded, a second call adds its URI after that of the first.
    edits.replace(from, to, uri);
    const old = parseAddress(value);
    // As recorded, requests inside the dialog have no display name when the function was given none, though the first
    // has.
    replaced(run, header, old, { uri, display: display ?? '' });
  } else keepReceived(run, header);
  return 1;
}

/** An argument as text; undefined when it is empty. */
function given(arg: Arg | undefined, run: MessageRun): string | undefined {
  const text = arg === undefined ? '' : textOf(arg, run);
  return text === '' ? undefined : text;
}

function uacReplace(name: string, header: 'from' | 'to'): FunctionSpec[] {
  const one: FunctionSpec = {
    name,
    parameters: [param('URI', 'string')],
    routes: ['request', 'branch', 'local'],
    summary: `replaces the URI of ${header === 'from' ? 'From' : 'To'}`,
    compile:
      ([uri]) =>
      (run) =>
        replaceAddress(run, header, undefined, given(uri, run)),
  };
  const compile: FunctionSpec['compile'] =
    ([display, uri]) =>
    (run) => {
      return replaceAddress(run, header, display === undefined ? undefined : textOf(display, run), given(uri, run));
    };
  const parameters = [optional('display name', 'string'), param('URI', 'string')];
  const routes = one.routes ?? 'any';
  const opensipsRoutes: RouteKind[] = ['request', 'branch', 'failure', 'local'];
  return [
    { ...one, dialects: KAMAILIO },
    { name, dialects: KAMAILIO, parameters, routes, summary: one.summary, compile },
    {
      name,
      dialects: OPENSIPS,
      parameters: [optional('display name', 'string'), optional('URI', 'string')],
      routes: opensipsRoutes,
      summary: one.summary,
      compile: (args) => {
        const replace =
          args[1] === undefined && args[0] !== undefined ? one.compile(args, NO_SITE) : compile(args, NO_SITE);
        return (run) => (forceDialog(run) ? replace(run) : 0);
      },
    },
  ];
}

/** uac's force_dialog: whether what is replaced belongs to a dialog also when the script has begun none. */
const dialogForced = {
  module: 'uac',
  create: (parameters: ModuleParameters): boolean => parameters.flag('force_dialog', false),
};

/** Begins the dialog that force_dialog wants; false for a retransmission, for which the script ends. */
function forceDialog(run: MessageRun): boolean {
  const { modules } = run.env;
  const { message } = run.call;
  if (run.routeKind !== 'request' || message.method !== 'INVITE' || message.toTag !== '') return true;
  if (!modules.of(dialogForced) || !modules.loaded.has('dialog') || modules.of(dialogs).of(run) !== undefined)
    return true;
  return createDialog(run, '') !== 0;
}

const NO_SITE: CallSite = {
  at: { file: '', line: 0, column: 0 },
  dialect: 'opensips',
  generation: 4,
  routes: new Set<RouteKind>(),
  facts: { sockets: undefined, statelessForward: true },
};

function diversion(dialects: FunctionSpec['dialects']): FunctionSpec {
  return {
    name: 'add_diversion',
    ...(dialects === undefined ? {} : { dialects }),
    parameters: [param('reason', 'string'), optional('uri', 'string'), optional('counter', 'int')],
    routes: ['request', 'failure', 'branch'],
    summary: 'adds a Diversion',
    compile:
      ([reason, uri, counter]) =>
      (run) => {
        const { message, edits, env } = run;
        // As recorded, 5.6.3 accepts the parameter and ignores it.
        const suffix = env.dialect === 'kamailio' ? '' : env.modules.module('diversion').text('suffix', '');
        const target = uri === undefined ? (message.requestUri ?? '') : textOf(uri, run);
        const count = counter === undefined ? '' : `;counter=${intOf(counter, run, 1)}`;
        const line = `Diversion: <${target}>;reason=${textOf(reason, run)}${count}${suffix}\r\n`;
        const first = message.nextField('diversion');
        edits.insert(first?.line ?? message.headersEnd, line);
        return 1;
      },
  };
}

/**
 * Functions of a server that is not implemented (`missing`): the request is answered with 501. `max`: maximum number
 * of arguments.
 */
function notHere(
  module: string,
  name: string,
  max: number,
  dialects?: FunctionSpec['dialects'],
  missing = 'registrar',
): ScriptFunction[] {
  return moduleFunctions(module, [
    {
      name,
      ...(dialects === undefined ? {} : { dialects }),
      parameters: Array.from({ length: max }, (_, i) => optional(`value ${i + 1}`, 'expression')),
      standIn: `answers 501: there is no ${missing} here`,
      summary: `there is no ${missing} here: answers 501`,
      compile: () => (run) => {
        replyHere(run, 501, 'Not Implemented', 'either');
        return 0;
      },
    },
  ]);
}

/** Functions that look up registrations; they find none. */
const REGISTERED: readonly (readonly [module: string, name: string, max: number])[] = [
  ['registrar', 'lookup', 4],
  ['registrar', 'lookup_branches', 2],
  ['registrar', 'registered', 4],
  ['registrar', 'is_registered', 2],
  ['registrar', 'is_contact_registered', 4],
  ['registrar', 'is_ip_registered', 3],
  ['registrar', 'is_other_contact', 2],
  ['registrar', 'is_other_contact_registered', 4],
  ['mid_registrar', 'mid_registrar_lookup', 4],
];

function findsNobody(module: string, name: string, max: number, dialects: FunctionSpec['dialects']): ScriptFunction[] {
  return moduleFunctions(module, [
    {
      name,
      ...(dialects === undefined ? {} : { dialects }),
      parameters: Array.from({ length: max }, (_, i) => optional(`value ${i + 1}`, 'expression')),
      standIn: 'finds nobody: there is no registrar here',
      summary: 'always -1: there is no registrar',
      compile: () => () => -1,
    },
  ]);
}

/** Dialects in which these functions answer with 501 or find nothing: module registrar is implemented for Kamailio. */
const elsewhere = (module: string): FunctionSpec['dialects'] => (module === 'registrar' ? OPENSIPS : undefined);

const REGISTRAR: readonly (readonly [module: string, name: string, max: number])[] = [
  ['registrar', 'save', 5],
  ['registrar', 'remove', 6],
  ['registrar', 'remove_ip_port', 3],
  ['registrar', 'add_sock_hdr', 1],
  ['mid_registrar', 'mid_registrar_save', 6],
  ['registrar', 'unregister', 3],
  ['uri|auth|auth_db', 'db_does_uri_exist', 2],
  ['uri|auth_db', 'db_check_from', 0],
  ['uri|auth_db', 'db_check_to', 0],
  ['auth_db', 'db_is_to_authorized', 1],
  ['auth_db', 'db_is_from_authorized', 1],
  ['uri|auth_db', 'db_get_auth_id', 4],
  ['registrar', 'pn_process_purr', 1],
];

/** Functions of digest authentication, which is implemented for Kamailio only. */
const DIGEST: readonly (readonly [module: string, name: string, max: number])[] = [
  ['auth|auth_db', 'www_authorize', 2],
  ['auth|auth_db', 'proxy_authorize', 2],
  ['auth', 'pv_www_authorize', 1],
  ['auth', 'pv_proxy_authorize', 1],
  ['auth', 'www_challenge', 4],
  ['auth', 'proxy_challenge', 4],
  ['auth|auth_db', 'auth_check', 3],
  ['auth', 'auth_challenge', 2],
  ['auth', 'consume_credentials', 0],
  ['auth|auth_db', 'www_authenticate', 3],
  ['auth|auth_db', 'proxy_authenticate', 3],
];

/** Functions of a presence server, which is not implemented. */
const PRESENCE: readonly (readonly [name: string, max: number])[] = [
  ['handle_publish', 1],
  ['handle_subscribe', 2],
];

/** Functions that test and rewrite URIs. */
export const rewritingFunctions: ScriptFunction[] = [
  ...moduleFunctions('core|kex|corex|siputils', [
    {
      name: 'is_myself',
      dialects: KAMAILIO,
      parameters: [param('uri', 'string')],
      summary: 'whether a URI is local',
      compile:
        ([uri]) =>
        (run) =>
          code(isMyself(run, textOf(uri, run))),
    },
  ]),
  ...moduleFunctions('core|sipmsgops', [
    {
      name: 'is_myself',
      dialects: OPENSIPS,
      parameters: [param('host', 'string'), optional('port', 'int')],
      summary: 'whether a host and port are local',
      compile:
        ([host, port]) =>
        (run) => {
          const text = textOf(host, run);
          const uri = parseUri(text);
          if (uri !== undefined) return code(isOurs(run.env, uri.host, uri.port ?? 5060));
          const number = intOf(port, run, 0);
          if (number !== 0) return code(isOurs(run.env, text, number));
          return code(
            run.env.sockets.all.some(({ address }) => address === text) ||
              run.env.aliases.some(({ host: each }) => each === withoutRoot(text).toLowerCase()),
          );
        },
    },
    {
      name: 'construct_uri',
      dialects: OPENSIPS,
      parameters: [
        param('scheme', 'string'),
        optional('user', 'string'),
        param('domain', 'string'),
        optional('port', 'string'),
        optional('parameters', 'string'),
        param('result', 'writable'),
      ],
      summary: 'builds a URI from its parts',
      compile:
        ([scheme, user, domain, port, params, result]) =>
        (run) => {
          const [name, tail] = [textOf(user, run), textOf(params, run)];
          const number = textOf(port, run);
          const text = `${textOf(scheme, run)}:${name === '' ? '' : `${name}@`}${textOf(domain, run)}${number === '' ? '' : `:${number}`}${tail === '' ? '' : `;${tail}`}`;
          (result as Arg).variable?.assign(run.pvars, text);
          return 1;
        },
    },
  ]),
  ...moduleFunctions('uac', [...uacReplace('uac_replace_from', 'from'), ...uacReplace('uac_replace_to', 'to')]),
  ...moduleFunctions('uac', [
    ...(['from', 'to'] as const).map(
      (header): FunctionSpec => ({
        name: `uac_restore_${header}`,
        routes: ['request', 'event'],
        summary: `restores ${header === 'from' ? 'From' : 'To'} of a request inside the dialog to the value the other side knows`,
        compile: () => (run) => restoreExplicitly(run, header),
      }),
    ),
  ]),
  ...moduleFunctions('diversion', [diversion(undefined)]),
  ...REGISTRAR.flatMap(([module, name, max]) => notHere(module, name, max, elsewhere(module))),
  ...REGISTERED.flatMap(([module, name, max]) => findsNobody(module, name, max, elsewhere(module))),
  ...DIGEST.flatMap(([module, name, max]) => notHere(module, name, max, OPENSIPS)),
  ...PRESENCE.flatMap(([name, max]) => notHere('presence', name, max, undefined, 'presence server')),
];
