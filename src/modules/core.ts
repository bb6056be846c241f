import type { RouteKind } from '../cfg/ast.js';
import type { FileFacts } from '../cfg/function-table.js';
import { trimmed } from '../core/characters.js';
import { canonicalIp, ipFamily } from '../core/ip-address.js';
import { bareHost, parseUri } from '../core/uri.js';
import { BLACKLIST_FUNCTIONS, targetFunctions, uriOf } from '../route/functions/targets.js';
import type { Call, MessageRun } from '../script/call.js';
import { nextHopOf } from '../script/next-hop.js';
import { brokenRequest } from '../script/relay.js';
import { cfgActions } from './actions.js';
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
import { forwardStateless } from './relaying.js';
import { sharedFunctions } from './shared.js';

/** Splits "proto:host:port"; a missing part is undefined. */
function endpointOf(text: string): { transport: string | undefined; host: string; port: string | undefined } {
  const whole = trimmed(text).toLowerCase();
  const transport = /^(?:udp|tcp|tls|wss|ws|sctp)(?=:)/.exec(whole)?.[0];
  const rest = transport === undefined ? whole : whole.slice(transport.length + 1);
  const colon = rest.indexOf(':', Math.max(0, rest.indexOf(']')));
  if (colon < 0) return { transport, host: rest, port: undefined };
  return { transport, host: rest.slice(0, colon), port: rest.slice(colon + 1) };
}

/** A host in lower case, an IPv6 address in one notation. */
function sameHost(host: string): string {
  return canonicalIp(host) ?? host;
}

/**
 * Whether the file has a socket with this description. A socket on all addresses or on a name is only known when it is
 * open, so the answer is then true. `anyPort`: without a port, each socket at the address is meant.
 */
function listens({ sockets }: FileFacts, text: string, anyPort = false): boolean {
  if (sockets === undefined) return true;
  const wanted = endpointOf(text);
  return sockets.some((each) => {
    const [address = '', ...words] = each.split(' ');
    if (words.at(-2) === 'name' && words.at(-1) === trimmed(text)) return true;
    const { transport = 'udp', host, port } = endpointOf(address);
    if ((wanted.transport ?? transport) !== transport) return false;
    const usual = anyPort ? port : transport === 'tls' || transport === 'wss' ? '5061' : '5060';
    if ((wanted.port ?? usual) !== port) return false;
    const anywhere = host === '0.0.0.0' || host === '[::]' || (!host.startsWith('[') && /[a-z]/.test(host));
    return anywhere || sameHost(host) === sameHost(wanted.host);
  });
}

/**
 * Sends the received request to a URI or "proto:host:port", without bytes after its body, which would be another
 * request on a stream.
 */
export function sendRaw(run: MessageRun, to: string, headers = ''): number {
  if (brokenRequest(run.call) !== undefined) return -1;
  const uri = parseUri(nextHopOf(run.call, { requestUri: run.call.message.requestUri, destinationUri: uriOf(to) }));
  const address = uri === undefined ? undefined : run.env.resolver.literal(uri);
  if (address === undefined) return -1;
  const socket = run.env.sockets.choose(address, run.call.sendSocket ?? run.call.source.socket);
  const { bodyStart, bodyEnd } = run.call.message;
  const text = run.call.message.text.slice(0, bodyEnd);
  const end = bodyStart - (text.startsWith('\r\n', bodyStart - 2) ? 2 : 1);
  const changed = headers === '' ? text : `${text.slice(0, end)}${headers}${text.slice(end)}`;
  socket?.send(changed, address.address, address.port, undefined);
  return code(socket !== undefined);
}

function sendSocket(run: MessageRun, text: string): number {
  const socket = run.env.socket(text);
  if (socket === undefined) return -1;
  run.call.sendSocket = socket;
  run.call.selectedSocket = undefined;
  return 1;
}

const accepted: FunctionSpec[] = [
  'set_forward_no_connect',
  'set_forward_close',
  'force_tcp_alias',
  'add_tcp_alias',
].map((name) => ({
  name,
  ...(name === 'force_tcp_alias' ? {} : { dialects: KAMAILIO }),
  parameters: [optional('value', name === 'force_tcp_alias' ? 'int' : 'string')],
  keepsReturnCode: true,
  summary: 'accepted; a connection stays open as long as its peer keeps it open',
  compile: () => () => 1,
}));

/** set_advertised_address() and set_advertised_port(): Kamailio uses the argument as written, without variables. */
function advertising(part: string, summary: string, set: (call: Call, text: string) => void): FunctionSpec[] {
  const name = `set_advertised_${part}`;
  return [
    {
      name,
      dialects: OPENSIPS,
      parameters: [param(part, 'string')],
      summary: `${summary} and Record-Route`,
      compile:
        ([value]) =>
        (run) => {
          set(run.call, textOf(value, run));
          return 1;
        },
    },
    {
      name,
      dialects: KAMAILIO,
      // As recorded, a port in quotes is refused.
      parameters: [part === 'port' ? param(part, 'int', { strict: true }) : param(part, 'literal')],
      keepsReturnCode: true,
      summary,
      compile:
        ([value]) =>
        (run) => {
          set(run.call, (value as Arg).text);
          return 1;
        },
    },
  ];
}

/** Routes in which 5.6.3 allows forward(); in reply routes it does nothing. */
const FORWARDS: readonly RouteKind[] = ['request', 'failure', 'branch', 'branch-failure', 'onreply', 'local', 'event'];

/** The host and the port of the next hop, as arguments of forward(). */
const HOP_HOST = 'uri:host';
const HOP_PORT = 'uri:port';

/**
 * As observed, Kamailio resolves the host at its start: names that never resolve are refused. A name under "test" may
 * (RFC 6761).
 */
function hostFault(host: string | number): string | undefined {
  const text = String(host);
  const name = text === HOP_HOST || /^(?!.*\.(?:invalid|example)\.?$)(?=.*[a-z])[\w.-]+$/i.test(text);
  return name || ipFamily(bareHost(text)) !== 0 ? undefined : 'the host must be an address, a name or uri:host';
}

function portFault(text: string | number): string | undefined {
  return /^(?:\d{1,5}|uri:port)$/.test(String(text)) ? undefined : 'the port must be a number or uri:port';
}

const core: FunctionSpec[] = [
  {
    name: 'assert',
    dialects: OPENSIPS,
    parameters: [optional('condition', 'expression'), optional('text', 'string')],
    summary: 'ends the script, with a line in the log, when a condition does not hold',
    compile:
      ([condition, text], { facts, at }) =>
      (run) => {
        if (facts.asserts === false || condition === undefined) return 1;
        const value = condition.value(run);
        if (value !== null && value !== 0 && value !== '') return 1;
        run.fault(at, `assertion failed: ${textOf(text, run).slice(0, 200)}`);
        return 0;
      },
  },
  ...(['forward', 'forward_udp', 'forward_tcp', 'forward_tls'] as const).map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      waits: true,
      keepsReturnCode: true,
      // forward(HOST) is that of all dialects, below.
      parameters: [
        param('host', 'string', { check: hostFault }),
        (name === 'forward' ? param : optional)('port', 'string', { check: portFault }),
      ],
      routes: ['request', 'failure', 'branch', 'event', 'onreply'],
      summary: `sends the request to a host and port without a transaction${name === 'forward' ? '' : ` by ${name.slice(8).toUpperCase()}`}; uri:host and uri:port are those of the next hop`,
      compile: ([host, port]) => {
        const transport = name === 'forward' ? '' : `;transport=${name.slice(8)}`;
        return (run) => {
          const { message, pvars, call } = run;
          if (!message.isRequest) return -1;
          let [toHost, toPort] = [textOf(host, run), textOf(port, run)];
          if (toHost === HOP_HOST || toPort === HOP_PORT) {
            const hop = parseUri(pvars.destinationUri ?? call.requestUri);
            if (hop === undefined) return -1;
            if (toHost === HOP_HOST) toHost = hop.host;
            if (toPort === HOP_PORT) toPort = String(hop.port ?? 5060);
          }
          return forwardStateless(run, `sip:${toHost}:${toPort}${transport}`);
        };
      },
    }),
  ),
  {
    name: 'send',
    dialects: OPENSIPS,
    waits: true,
    parameters: [param('destination', 'string'), optional('headers', 'string')],
    summary: 'sends the received request without our Via; given header lines are added',
    compile:
      ([to, headers]) =>
      (run) =>
        sendRaw(run, textOf(to, run), headers === undefined ? '' : textOf(headers, run)),
  },
  {
    name: 'force_send_socket',
    dialects: OPENSIPS,
    parameters: [param('socket', 'string')],
    summary: 'sets the socket to send from',
    compile: ([socket], { facts }) => {
      if (typeof socket?.constant === 'string' && !listens(facts, socket.constant))
        throw new Error(`"${socket.constant}" is not a socket of this file`);
      return (run) => sendSocket(run, textOf(socket, run));
    },
  },
  ...(
    [
      ['force_send_socket', 'literal'],
      ['set_send_socket', 'string'],
    ] as const
  ).map(
    ([name, kind]): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      parameters: [param('socket', kind)],
      ...(kind === 'literal' ? { keepsReturnCode: true } : {}),
      summary: 'sets the socket to send from',
      compile: ([socket], { facts }) => {
        if (kind === 'literal') {
          const { text } = socket as Arg;
          // As recorded, an address alone is its first socket, whatever the port.
          if (!listens(facts, text, true)) throw new Error(`"${text}" is not a socket of this file`);
          return (run) => sendSocket(run, text);
        }
        return (run) => {
          const text = textOf(socket, run);
          // As recorded, also true for a socket that does not exist, but not where something is missing at the end.
          return text === '' || text.endsWith(':') ? -1 : Math.abs(sendSocket(run, text));
        };
      },
    }),
  ),
  {
    name: 'set_send_socket_name',
    dialects: KAMAILIO,
    parameters: [param('name', 'string')],
    summary: 'sets the socket to send from by its name',
    compile:
      ([name]) =>
      (run) => {
        const socket = run.env.sockets.called(textOf(name, run));
        // As recorded, also true for a socket that does not exist.
        if (socket !== undefined) run.call.sendSocket = socket;
        return 1;
      },
  },
  ...(['force_rport', 'add_rport'] as const).map(
    (name): FunctionSpec => ({
      name,
      ...(name === 'add_rport' ? { dialects: KAMAILIO } : {}),
      keepsReturnCode: true,
      summary: 'sends replies to the source port of the request',
      compile: () => (run) => {
        run.call.rport = true;
        // As recorded of Kamailio, once it is relayed the transaction's replies stay as they are.
        const fixed = run.env.dialect === 'kamailio' && (run.transaction?.branches.length ?? 0) > 0;
        const server = fixed ? undefined : run.transaction?.server;
        if (server !== undefined) server.marking = run.call.marking;
        return 1;
      },
    }),
  ),
  {
    name: 'add_local_rport',
    keepsReturnCode: true,
    summary: 'adds rport to our Via, which asks for replies to the source port',
    compile: () => (run) => {
      run.call.localRport = true;
      return 1;
    },
  },
  ...advertising('address', 'the host of our Via', (call, text) => {
    call.advertisedHost = text;
  }),
  ...advertising('port', 'the port of our Via', (call, text) => {
    call.advertisedPort = text;
  }),
  {
    name: 'check_blacklist_rule',
    dialects: OPENSIPS,
    parameters: [
      param('list', 'string'),
      param('address', 'string'),
      optional('port', 'int'),
      optional('protocol', 'string'),
      optional('pattern', 'string'),
    ],
    summary: 'whether a black list has a rule for an address',
    compile:
      ([list, address, port, transport, text]) =>
      (run) =>
        code(
          run.env.blocked([textOf(list, run)], {
            address: textOf(address, run),
            port: intOf(port, run, 0),
            transport: transport === undefined ? 'udp' : textOf(transport, run).toLowerCase(),
            text: textOf(text, run),
          }),
        ),
  },
  ...accepted,
];

const shared = targetFunctions(cfgActions);

/** Functions of the core. */
export const coreFunctions: ScriptFunction[] = [
  ...sharedFunctions('core', OPENSIPS, shared.core),
  ...sharedFunctions('core', KAMAILIO, {
    forward: { ...shared.core.forward, routes: FORWARDS, keepsReturnCode: true },
  }),
  ...sharedFunctions('core', OPENSIPS, BLACKLIST_FUNCTIONS),
  ...moduleFunctions('core', core),
];
