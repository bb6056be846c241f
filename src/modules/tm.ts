import type { RouteKind } from '../cfg/ast.js';
import { compilePosix } from '../core/posix-regex.js';
import { parseUri } from '../core/uri.js';
import { isUsableUri, kamailioRefuses } from '../pvar/variables/script-uris.js';
import type { MessageRun } from '../script/call.js';
import { forwarded } from '../script/forwarding.js';
import { answerTrying, beginTransaction, type RelayFault, sendBranches, takeTargets } from '../script/relay.js';
import { runErrorOf } from '../script/service-routes.js';
import { contactFunctions } from './contacts.js';
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
import { newRequestFunctions } from './new-request.js';
import { replyHere } from './replies.js';

const RELAYS: readonly RouteKind[] = ['request', 'failure', 'branch-failure', 'event', 'local'];

/** Flags of t_relay. */
interface RelayFlags {
  readonly no100: boolean;
  readonly noAutoReply: boolean;
}

/** What t_relay() returns for a request-URI that is none, as recorded. */
const UNUSABLE = -400;

function isRelayable(text: string): boolean {
  const uri = parseUri(text);
  return uri !== undefined && isUsableUri(text) && !kamailioRefuses(uri, text);
}

/** Relays the request statefully. The code is what the originals return. */
export function relay(run: MessageRun, flags: RelayFlags, outbound?: string): number | Promise<number> {
  const { call, env } = run;
  const { method } = call.message;
  runErrorOf(call);
  if (run.routeKind === 'request' && method === 'ACK') return relayAck(run, outbound);
  if (run.routeKind === 'request' && method === 'CANCEL') {
    const cancelled = cancel(run);
    if (cancelled !== undefined) return cancelled;
  }
  const kamailio = env.dialect === 'kamailio';
  if (kamailio && run.transaction === undefined && !isRelayable(call.requestUri)) return UNUSABLE;
  const existed = run.transaction !== undefined;
  const transaction = beginTransaction(run);
  // As recorded, the script goes on behind t_relay() for a copy in OpenSIPS, and ends there in Kamailio.
  if (transaction === undefined) return kamailio ? 0 : 1;
  if (transaction.cancelled) return kamailio ? -1 : -3;
  if (transaction.final !== 0) return -1;
  if (run.routeKind === 'request' && existed && transaction.branches.length > 0) return -1;
  if (run.routeKind === 'failure') {
    if (env.tm.block6xx && transaction.branches.some((each) => each.status >= 600)) return -3;
    if (kamailio && !call.scope.changed && call.branches.length === 0) return -1;
  }
  const again = run.routeKind === 'failure' || run.routeKind === 'branch-failure';
  if (!flags.no100 && run.routeKind === 'request') answerTrying(transaction, call);
  // As recorded, a request-URI that cannot be read ends it before anything is sent.
  const targets = takeTargets(call);
  if (outbound !== undefined && targets[0] !== undefined) targets[0] = { ...targets[0], destinationUri: outbound };
  if (kamailio && again && !call.scope.changed) targets.shift();
  call.scope.changed = false;
  if (run.routeKind === 'request') call.freeze();
  const fault = sendBranches(run, transaction, targets);
  const settle = (found: RelayFault | undefined): number => {
    if (found === undefined) return 1;
    if (kamailio) {
      if (run.routeKind === 'request') transaction.reply(found.status, found.reason, call.replyLines);
      return found.code;
    }
    if (flags.noAutoReply || run.routeKind !== 'request') return found.code;
    transaction.reply(found.status, found.reason, call.replyLines);
    return 1;
  };
  return fault instanceof Promise ? fault.then(settle) : settle(fault);
}

/** An ACK goes on without a transaction; one that acknowledges a failure reply of this proxy ends here. */
function relayAck(run: MessageRun, outbound?: string): number | Promise<number> {
  if (run.known?.kind === 'ack') return 0;
  for (const hook of run.env.hooks.acknowledged) hook(run);
  return forwardStateless(run, outbound);
}

/** Sends a request on without a transaction. */
export function forwardStateless(run: MessageRun, to?: string): number | Promise<number> {
  const { call, env } = run;
  const nextHop = to ?? run.pvars.destinationUri ?? call.requestUri;
  const uri = parseUri(nextHop);
  if (uri === undefined || uri.host === '') return -1;
  const send = (address: {
    address: string;
    port: number;
    transport: 'udp' | 'tcp' | 'tls' | 'ws' | 'wss' | 'sctp';
    family: 4 | 6;
    name?: string | undefined;
  }): number => {
    const socket = env.sockets.choose(address, call.sendSocket ?? call.source.socket);
    if (socket === undefined) return -1;
    const leaving = {
      requestUri: call.requestUri,
      destinationUri: run.pvars.destinationUri,
      socket: call.sendSocket,
      edits: call.edits,
      head: '',
    };
    const text = forwarded(call, leaving, socket, env.layer.newBranch('s', call.message.callId).text);
    env.layer.counters.requestsSent.value++;
    socket.send(text, address.address, address.port, undefined, undefined, address.name);
    return 1;
  };
  const literal = env.resolver.literal(uri);
  if (literal !== undefined) return send(literal as Parameters<typeof send>[0]);
  return new Promise((resolve) => {
    env.resolver.resolve(uri, (result) => {
      const first = result instanceof Error ? undefined : result[0];
      resolve(first === undefined ? -1 : send(first as Parameters<typeof send>[0]));
    });
  });
}

/**
 * A CANCEL of an INVITE that is known: it is answered, and the branches are cancelled. undefined when no INVITE
 * matches.
 */
function cancel(run: MessageRun): number | undefined {
  const { call, env } = run;
  if (run.known?.kind === 'copy') {
    run.known.repeat();
    return 0;
  }
  const invite = env.layer.cancelled(call.message);
  const target = invite?.owner as { readonly call?: unknown } | undefined;
  if (invite === undefined || target?.call === undefined) return undefined;
  const transaction = invite.owner as NonNullable<MessageRun['transaction']>;
  const own = env.layer.serve(call.message, run.source);
  own.replyWith(200, 'canceling', env.serverLine);
  for (const hook of env.hooks.cancelled) hook(run);
  if (transaction.final !== 0) return 1;
  transaction.cancelled = true;
  transaction.cancelBranches(env.dialect === 'opensips' ? (call.cancelLines ?? ORIGINATOR_CANCEL) : '');
  if (env.dialect === 'opensips') transaction.cancelSilent();
  if (transaction.branches.length === 0) transaction.reply(487, 'Request Terminated', call.replyLines);
  return 1;
}

const ORIGINATOR_CANCEL = 'Reason: SIP;cause=487;text="ORIGINATOR_CANCEL"\r\n';

function relayFlags(text: string): RelayFlags {
  const number = /^0x/i.test(text) ? Number.parseInt(text, 16) : Number(text);
  const bits = Number.isNaN(number) ? 0 : number;
  return {
    no100: (bits & 1) !== 0,
    noAutoReply: /no-auto-477/.test(text) || (bits & 2) !== 0,
  };
}

/** "host:port", "udp:host:port" or a URI as a URI to send to. */
function outboundUri(text: string): string | undefined {
  if (/^sips?:/i.test(text)) return text;
  const match = /^(?:(udp|tcp|tls|ws|wss|sctp):)?(\[[^\]]+\]|[^:\s]+)(?::(\d+))?$/i.exec(text.trim());
  if (match === null) return undefined;
  const [, transport, host, port] = match;
  return `sip:${host}${port === undefined ? '' : `:${port}`}${transport === undefined || /^udp$/i.test(transport) ? '' : `;transport=${transport.toLowerCase()}`}`;
}

const FLAG_WORDS = ['no-auto-477', 'no-dns-failover', 'pass-reason', 'allow-no-cancel'];

/** Words with commas; up to 2.x also a number. */
function knownFlags(text: string, generation: number): boolean {
  if (generation < 3 && /^(?:0x[0-9a-f]+|\d+)?$/i.test(text)) return true;
  return text.split(',').every((each) => FLAG_WORDS.includes(each.trim()));
}

function arm(kind: 'failure' | 'branch' | 'reply', name: string, route: RouteKind): FunctionSpec[] {
  const summary = `names the ${kind} route of the next relaying`;
  const set = (run: MessageRun, value: string): number => {
    run.call.armed[kind] = value === '' || value === '0' ? undefined : value;
    return 1;
  };
  return [
    {
      name,
      dialects: OPENSIPS,
      parameters: [param('route', 'route', { route })],
      routes: ['request', 'failure', 'branch', 'onreply', 'local', 'event'],
      summary,
      compile:
        ([value]) =>
        (run) =>
          set(run, textOf(value, run)),
    },
    {
      name,
      dialects: KAMAILIO,
      parameters: [param('route', 'string')],
      routes: ['request', 'failure', 'branch', 'onreply', 'branch-failure', 'event', 'local'],
      summary,
      compile:
        ([value]) =>
        (run) =>
          set(run, textOf(value, run)),
    },
  ];
}

/** What t_check_trans returns: 1 for a CANCEL or ACK of a transaction, 0 for a copy, -1 for none. */
function checkTransaction(run: MessageRun): number {
  const { known, call, env } = run;
  if (call.message.method === 'CANCEL') {
    if (known?.kind === 'copy') {
      known.repeat();
      return 0;
    }
    const invite = env.layer.cancelled(call.message);
    const owner = invite?.owner as { branches?: readonly unknown[] } | undefined;
    return code(owner?.branches !== undefined);
  }
  if (call.message.method === 'ACK') {
    if (known?.kind === 'ack') return 0;
    return code(known?.kind === 'accepted');
  }
  if (known === undefined || known.kind === 'new') return -1;
  known.repeat();
  return 0;
}

/** Whether some branch has a final reply whose code a pattern matches; in a failure route the one that was chosen. */
function checkStatus(run: MessageRun, pattern: Arg): number {
  let status: number | undefined;
  if (run.routeKind === 'request') status = run.transaction?.lastStatus ?? run.call.transaction?.lastStatus;
  else if (run.routeKind === 'onreply' || run.routeKind === 'branch-failure')
    status = run.branch?.status || run.message.status;
  else status = run.branch?.status;
  if (run.routeKind === 'onreply') status = run.message.status;
  if (status === undefined) return -1;
  const regex = pattern.constant === undefined ? compilePosix(pattern.string(run)) : pattern.regex(run);
  return code(regex?.test(String(status)) === true);
}

function branches(run: MessageRun) {
  return (run.transaction ?? run.call.transaction)?.branches ?? [];
}

export const tmFunctions: ScriptFunction[] = moduleFunctions('tm', [
  ...newRequestFunctions,
  ...contactFunctions,
  {
    name: 't_relay',
    dialects: OPENSIPS,
    waits: true,
    parameters: [optional('flags', 'string'), optional('proxy', 'string')],
    routes: ['request', 'failure'],
    summary: 'relays the request statefully',
    compile: ([flags, proxy], { generation }) => {
      if (flags?.constant !== undefined && !knownFlags(String(flags.constant), generation))
        throw new Error(`unknown flag "${flags.constant}"`);
      return (run) => {
        const text = textOf(flags, run);
        const to = proxy === undefined ? undefined : outboundUri(proxy.string(run));
        return relay(run, relayFlags(text), to);
      };
    },
  },
  {
    name: 't_relay',
    dialects: KAMAILIO,
    waits: true,
    parameters: [],
    routes: RELAYS,
    summary: 'relays the request statefully',
    compile: () => (run) => relay(run, { no100: false, noAutoReply: false }),
  },
  {
    name: 't_relay',
    dialects: KAMAILIO,
    waits: true,
    parameters: [param('host', 'string'), param('port', 'string')],
    routes: RELAYS,
    summary: 'relays the request to an address',
    compile:
      ([host, port]) =>
      (run) =>
        relay(run, { no100: false, noAutoReply: false }, `sip:${textOf(host, run)}:${textOf(port, run)}`),
  },
  ...(['udp', 'tcp', 'tls', 'sctp'] as const).map(
    (transport): FunctionSpec => ({
      name: `t_relay_to_${transport}`,
      dialects: KAMAILIO,
      waits: true,
      parameters: [optional('host', 'string'), optional('port', 'string')],
      routes: RELAYS,
      summary: `relays the request by ${transport}`,
      compile:
        ([host, port]) =>
        (run) => {
          const params = transport === 'udp' ? '' : `;transport=${transport}`;
          if (host !== undefined) {
            const to = `sip:${textOf(host, run)}:${textOf(port, run)}${params}`;
            return relay(run, { no100: false, noAutoReply: false }, to);
          }
          const nextHop = run.pvars.destinationUri ?? run.call.requestUri;
          return relay(run, { no100: false, noAutoReply: false }, nextHop + params);
        },
    }),
  ),
  {
    name: 't_relay_to',
    dialects: KAMAILIO,
    waits: true,
    parameters: [optional('proxy or flags', 'string'), optional('flags', 'string')],
    routes: RELAYS,
    summary: 'relays the request to an outbound proxy, with flags',
    compile:
      ([first, second]) =>
      (run) => {
        const text = textOf(first, run);
        const isFlags = first === undefined || /^(?:0x[0-9a-f]+|\d+)$/i.test(text);
        const flags = isFlags ? text : textOf(second, run);
        return relay(run, { ...relayFlags(flags), no100: false }, isFlags ? undefined : outboundUri(text));
      },
  },
  {
    name: 't_replicate',
    waits: true,
    parameters: [param('uri', 'string'), optional('flags', 'string')],
    routes: ['request'],
    summary: 'sends a copy of the request, whose replies are not passed on',
    compile:
      ([uri]) =>
      (run) => {
        run.call.replicates = true;
        const result = relay(run, { no100: false, noAutoReply: true }, textOf(uri, run));
        run.transaction?.ended(200);
        return result;
      },
  },
  {
    name: 't_newtran',
    routes: ['request'],
    summary: 'begins the transaction of the request',
    compile: () => (run) => {
      if (run.transaction !== undefined) return -10;
      if (run.call.message.method === 'ACK') return run.known?.kind === 'ack' ? 0 : -1;
      const transaction = beginTransaction(run);
      if (transaction === undefined) return 0;
      if (run.env.dialect === 'opensips') answerTrying(transaction, run.call);
      run.call.freeze();
      return 1;
    },
  },
  {
    name: 't_check_trans',
    routes: ['request', 'onreply', 'branch', 'failure', 'local', 'event'],
    summary: 'whether the request belongs to a transaction; a copy ends the script',
    compile: () => (run) => (run.routeKind === 'onreply' ? code(run.transaction !== undefined) : checkTransaction(run)),
  },
  {
    name: 't_precheck_trans',
    dialects: KAMAILIO,
    routes: ['request'],
    summary: 'whether the request is being worked on already',
    compile: () => (run) =>
      code(run.known !== undefined && run.known.kind === 'copy' && run.known.server === undefined),
  },
  {
    name: 't_lookup_request',
    dialects: KAMAILIO,
    routes: ['request'],
    summary: 'whether there is a transaction for the request',
    compile: () => (run) =>
      code(run.transaction !== undefined || (run.known !== undefined && run.known.kind !== 'new')),
  },
  {
    name: 't_lookup_cancel',
    dialects: KAMAILIO,
    parameters: [optional('flags', 'int')],
    routes: ['request'],
    summary: 'whether the INVITE of a CANCEL is known',
    compile: () => (run) => code(run.env.layer.cancelled(run.call.message) !== undefined),
  },
  {
    name: 't_relay_cancel',
    dialects: KAMAILIO,
    routes: ['request'],
    summary: 'passes a CANCEL on when its INVITE is known, and ends the script then',
    compile: () => (run) => (run.call.message.method === 'CANCEL' && cancel(run) !== undefined ? 0 : 1),
  },
  {
    name: 't_release',
    dialects: KAMAILIO,
    summary: 'lets the transaction go',
    compile: () => () => 1,
  },
  {
    name: 't_reply',
    dialects: OPENSIPS,
    parameters: [param('code', 'int'), param('reason', 'string')],
    routes: ['request', 'failure', 'onreply', 'event', 'local', 'error'],
    summary: 'answers the request statefully',
    compile:
      ([status, reason]) =>
      (run) =>
        replyHere(run, intOf(status, run, 500), textOf(reason, run), 'begin'),
  },
  {
    name: 't_reply',
    dialects: KAMAILIO,
    parameters: [param('code', 'string'), param('reason', 'string')],
    routes: ['request', 'failure', 'onreply', 'event', 'branch-failure', 'local'],
    summary: 'answers the request statefully',
    compile:
      ([status, reason]) =>
      (run) =>
        replyHere(run, intOf(status, run, 500), textOf(reason, run), 'stateful'),
  },
  {
    name: 't_reply_with_body',
    dialects: OPENSIPS,
    parameters: [param('code', 'int'), param('reason', 'string'), param('body', 'string')],
    routes: ['request', 'failure'],
    summary: 'answers the request statefully with a body',
    compile:
      ([status, reason, body]) =>
      (run) => {
        run.call.replyBody = textOf(body, run);
        return replyHere(run, intOf(status, run, 500), textOf(reason, run), 'begin');
      },
  },
  {
    name: 't_send_reply',
    dialects: KAMAILIO,
    parameters: [param('code', 'string'), param('reason', 'string')],
    summary: 'answers the request statefully',
    compile:
      ([status, reason]) =>
      (run) =>
        replyHere(run, intOf(status, run, 500), textOf(reason, run), 'begin'),
  },
  ...arm('failure', 't_on_failure', 'failure'),
  ...arm('branch', 't_on_branch', 'branch'),
  ...arm('reply', 't_on_reply', 'onreply'),
  {
    name: 't_on_branch_failure',
    dialects: KAMAILIO,
    parameters: [param('route', 'string')],
    summary: 'names the event route of branch failures',
    compile:
      ([value]) =>
      (run) => {
        const name = textOf(value, run);
        run.call.armed.branchFailure = name === '' ? undefined : name;
        return 1;
      },
  },
  {
    name: 't_is_set',
    dialects: KAMAILIO,
    parameters: [param('kind', 'string')],
    summary: 'whether a route of that kind is armed',
    compile:
      ([kind]) =>
      (run) => {
        const { armed } = run.call;
        switch (textOf(kind, run)) {
          case 'failure_route':
            return code(armed.failure !== undefined);
          case 'branch_route':
            return code(armed.branch !== undefined);
          case 'onreply_route':
            return code(armed.reply !== undefined);
          default:
            return -1;
        }
      },
  },
  {
    name: 't_check_status',
    parameters: [param('pattern', 'regex')],
    routes: ['request', 'failure', 'onreply', 'branch', 'branch-failure', 'event', 'local', 'error'],
    summary: 'whether the status of the reply matches',
    compile:
      ([pattern]) =>
      (run) =>
        checkStatus(run, pattern as Arg),
  },
  {
    name: 't_grep_status',
    dialects: KAMAILIO,
    parameters: [param('code', 'int')],
    summary: 'whether some branch has that status',
    compile:
      ([status]) =>
      (run) => {
        const wanted = intOf(status, run, 0);
        // As recorded, a failure route finds none.
        return code(run.routeKind !== 'failure' && branches(run).some((each) => each.status === wanted));
      },
  },
  {
    name: 't_was_cancelled',
    dialects: OPENSIPS,
    summary: 'whether the caller gave up',
    compile: () => (run) => code((run.transaction ?? run.call.transaction)?.cancelled === true),
  },
  ...['t_is_canceled', 't_is_cancelled'].map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      summary: 'whether the caller gave up',
      compile: () => (run) => code((run.transaction ?? run.call.transaction)?.cancelled === true),
    }),
  ),
  {
    name: 't_local_replied',
    dialects: OPENSIPS,
    parameters: [param('which', 'string', { values: ['all', 'last', 'branch'] })],
    routes: ['request', 'failure', 'onreply'],
    summary: 'whether replies are our own: of all branches, or the one that was chosen',
    compile:
      ([which]) =>
      (run) => {
        const all = branches(run);
        if (all.length === 0) return -1;
        return code(
          textOf(which, run).toLowerCase() === 'all' ? all.every((each) => each.local) : run.branch?.local === true,
        );
      },
  },
  {
    name: 't_any_timeout',
    dialects: KAMAILIO,
    summary: 'whether some branch had no reply in time',
    compile: () => (run) => code(branches(run).some((each) => each.timedOut)),
  },
  {
    name: 't_any_replied',
    dialects: KAMAILIO,
    summary: 'whether some branch got a reply',
    compile: () => (run) => code(branches(run).some((each) => each.provisional)),
  },
  {
    name: 't_branch_timeout',
    dialects: KAMAILIO,
    routes: ['failure', 'branch-failure', 'event'],
    summary: 'whether the branch that was chosen had no reply in time',
    compile: () => (run) => code(run.branch?.timedOut === true),
  },
  {
    name: 't_branch_replied',
    dialects: KAMAILIO,
    routes: ['failure', 'branch-failure', 'event'],
    summary: 'whether the branch that was chosen got a reply',
    compile: () => (run) => code(run.branch?.provisional === true),
  },
  {
    name: 't_is_expired',
    dialects: KAMAILIO,
    summary: 'whether the transaction had its time',
    compile: () => () => -1,
  },
  ...['t_is_request_route', 't_is_failure_route', 't_is_branch_route', 't_is_reply_route'].map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      summary: 'whether a route of that kind runs',
      compile: () => (run) =>
        code(run.routeKind === (name.slice(5, -6) === 'reply' ? 'onreply' : (name.slice(5, -6) as RouteKind))),
    }),
  ),
  {
    name: 't_set_fr',
    dialects: KAMAILIO,
    parameters: [param('final reply', 'int'), optional('any reply', 'int')],
    summary: 'sets the times the transaction waits for a final reply and for any, in milliseconds',
    compile:
      ([inv, fr]) =>
      (run) => {
        const ring = intOf(inv, run, 0);
        const silent = intOf(fr, run, 0);
        if (ring > 0) run.call.frInvTimeout = ring;
        if (silent > 0) run.call.frTimeout = silent;
        return 1;
      },
  },
  {
    name: 't_reset_fr',
    dialects: KAMAILIO,
    summary: 'puts the times of t_set_fr back',
    compile: () => (run) => {
      run.call.frTimeout = undefined;
      run.call.frInvTimeout = undefined;
      return 1;
    },
  },
  {
    name: 't_set_auto_inv_100',
    dialects: KAMAILIO,
    parameters: [param('on', 'int')],
    routes: ['request', 'event'],
    summary: 'whether INVITE is answered 100 at once',
    compile:
      ([on]) =>
      (run) => {
        run.call.auto100 = intOf(on, run, 1) !== 0;
        return 1;
      },
  },
  ...(
    [
      ['t_set_max_lifetime', 2],
      ['t_set_retr', 2],
      ['t_set_disable_6xx', 1],
      ['t_set_disable_failover', 1],
      ['t_set_no_e2e_cancel_reason', 1],
      ['t_set_disable_internal_reply', 1],
    ] as const
  ).map(
    ([name, count]): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      parameters: Array.from({ length: count }, (_, i) => param(`value ${i + 1}`, 'int')),
      summary: 'accepted; what it sets is not looked at',
      compile: () => () => 1,
    }),
  ),
  {
    name: 't_reset_max_lifetime',
    dialects: KAMAILIO,
    summary: 'accepted',
    compile: () => () => 1,
  },
  {
    name: 't_reset_retr',
    dialects: KAMAILIO,
    summary: 'accepted',
    compile: () => () => 1,
  },
  {
    name: 't_drop_replies',
    dialects: KAMAILIO,
    parameters: [optional('mode', 'string')],
    routes: ['failure'],
    summary: 'replies that came are not chosen from any more',
    compile:
      ([mode]) =>
      (run) => {
        const which = textOf(mode, run, 'a');
        const transaction = run.transaction;
        if (transaction === undefined) return -1;
        if (which === 'n') return 1;
        for (const each of transaction.branches)
          if (which !== 'l' || each.index >= transaction.legStart) each.dropped = true;
        return 1;
      },
  },
  {
    name: 't_cancel_branch',
    dialects: OPENSIPS,
    parameters: [optional('which', 'string')],
    routes: ['onreply', 'event'],
    summary: 'gives branches up: of a (all), o (others) or this one',
    compile:
      ([which]) =>
      (run) => {
        const wanted = textOf(which, run);
        for (const each of branches(run)) {
          if (wanted.includes('a') || (wanted.includes('o') ? each !== run.branch : each === run.branch))
            each.cancel('');
        }
        return 1;
      },
  },
  {
    name: 't_cancel_branches',
    dialects: KAMAILIO,
    parameters: [param('which', 'string')],
    routes: ['onreply', 'event', 'request'],
    summary: 'gives branches up: all, others or this',
    compile:
      ([which]) =>
      (run) => {
        const wanted = textOf(which, run);
        for (const each of branches(run)) {
          if (wanted === 'all' || (wanted === 'others' ? each !== run.branch : each === run.branch)) each.cancel('');
        }
        return 1;
      },
  },
  {
    name: 't_flush_flags',
    summary: 'the flags of the message become those of the transaction',
    compile: () => () => 1,
  },
  {
    name: 't_anycast_replicate',
    dialects: OPENSIPS,
    summary: 'there is no cluster of transactions here: false',
    compile: () => () => -1,
  },
]);
