import type { RouteKind } from '../cfg/ast.js';
import { answerFunctions } from '../route/functions/replies.js';
import {
  outboundUri,
  RELAYS,
  relayFlags,
  STATUS_FUNCTIONS,
  transactionFunctions,
} from '../route/functions/transaction.js';
import type { MessageRun } from '../script/call.js';
import { answerTrying, beginTransaction } from '../script/relay.js';
import { cfgActions } from './actions.js';
import { contactFunctions } from './contacts.js';
import {
  BOTH,
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
import { cancel, relay } from './relaying.js';
import { replyHere } from './replying.js';
import { sharedFunctions } from './shared.js';

function branches(run: MessageRun) {
  return (run.transaction ?? run.call.transaction)?.branches ?? [];
}

const tm: FunctionSpec[] = [
  ...newRequestFunctions,
  ...contactFunctions,
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
];

const shared = transactionFunctions(cfgActions);
const replies = answerFunctions(cfgActions);

export const tmFunctions: ScriptFunction[] = [
  ...sharedFunctions('tm', BOTH, { ...shared.both, ...STATUS_FUNCTIONS }),
  ...sharedFunctions('tm', OPENSIPS, { ...shared.opensips, t_reply: replies.opensips.t_reply }),
  ...sharedFunctions('tm', KAMAILIO, { ...shared.kamailio, t_reply: replies.kamailio.t_reply }),
  ...moduleFunctions('tm', tm),
];
