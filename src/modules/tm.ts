import type { RouteKind } from '../cfg/ast.js';
import { answerFunctions } from '../route/functions/replies.js';
import {
  outboundUri,
  RELAYS,
  relayFlags,
  STATUS_FUNCTIONS,
  transactionFunctions,
} from '../route/functions/transaction.js';
import { PerCall } from '../script/per-call.js';
import { answerTrying, beginTransaction, repeatedRequests } from '../script/relay.js';
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
import { cancel, refusedUri, relay, replicate } from './relaying.js';
import { replyHere } from './replying.js';
import { sharedFunctions } from './shared.js';
import { branchFunctions } from './tm-branches.js';
import { transactionSettings } from './tm-settings.js';

/**
 * Retransmissions for which t_lookup_request() found the transaction: as recorded, t_newtran() then creates none and
 * lets the script continue.
 */
const lookedUp = new PerCall<boolean>(() => false);

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
        // As recorded, flag 1 suppresses the 100 only together with an address.
        const given = relayFlags(flags);
        return relay(run, { ...given, no100: given.no100 && !isFlags }, isFlags ? undefined : outboundUri(text));
      },
  },
  {
    name: 't_replicate',
    dialects: OPENSIPS,
    waits: true,
    parameters: [param('uri', 'string'), optional('flags', 'string')],
    routes: ['request'],
    summary: 'sends a copy of the request; its replies are not forwarded',
    compile:
      ([uri]) =>
      (run) =>
        replicate(run, textOf(uri, run)),
  },
  {
    name: 't_newtran',
    routes: ['request'],
    summary: 'creates the transaction of the request',
    compile: () => (run) => {
      if (run.transaction !== undefined || run.call.own || lookedUp.known(run.call) === true) return -10;
      // As recorded, so does t_relay() of a retransmission.
      if (run.env.dialect === 'kamailio' && repeatedRequests.known(run.call) === true) return -10;
      if (run.call.message.method === 'ACK') {
        if (run.known?.kind === 'ack') return 0;
        return run.env.dialect === 'kamailio' ? 1 : -1;
      }
      const refused = refusedUri(run);
      if (refused !== undefined) return refused;
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
    summary: 'whether the request has a transaction already',
    compile: () => (run) =>
      code(
        run.known?.kind === 'copy' &&
          run.known.server === undefined &&
          // As recorded, once t_relay() has found it, the transaction is that of this request.
          repeatedRequests.known(run.call) !== true,
      ),
  },
  {
    name: 't_lookup_request',
    dialects: KAMAILIO,
    routes: ['request'],
    summary: 'whether there is a transaction for the request',
    compile: () => (run) => {
      if (run.transaction !== undefined) return 1;
      if (run.known === undefined || run.known.kind === 'new') return -1;
      if (run.known.kind === 'copy') lookedUp.set(run.call, true);
      return 1;
    },
  },
  {
    name: 't_lookup_cancel',
    dialects: KAMAILIO,
    parameters: [optional('flags', 'int')],
    routes: ['request'],
    summary: 'whether the INVITE of a CANCEL is known',
    compile: () => (run) =>
      code(run.call.message.method === 'CANCEL' && run.env.layer.cancelled(run.call.message) !== undefined),
  },
  {
    name: 't_relay_cancel',
    dialects: KAMAILIO,
    routes: ['request'],
    summary: 'forwards a CANCEL whose INVITE is known, and ends the script then',
    compile: () => (run) => (run.call.message.method === 'CANCEL' && cancel(run) !== undefined ? 0 : 1),
  },
  {
    name: 't_release',
    dialects: KAMAILIO,
    summary: 'releases the transaction',
    compile: () => (run) => (run.routeKind === 'branch-failure' ? -1 : 1),
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
    summary: 'whether a route of a kind is set',
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
  ...['t_is_request_route', 't_is_failure_route', 't_is_branch_route', 't_is_reply_route'].map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      summary: 'whether a route of a kind is running',
      compile: () => (run) =>
        code(run.routeKind === (name.slice(5, -6) === 'reply' ? 'onreply' : (name.slice(5, -6) as RouteKind))),
    }),
  ),
  {
    name: 't_flush_flags',
    summary: 'sets the flags of the transaction to those of the message',
    compile: () => (run) => {
      const transaction = run.transaction ?? run.call.transaction;
      if (transaction === undefined) return -1;
      run.call.frozenFlags = run.call.flags;
      return 1;
    },
  },
  {
    name: 't_anycast_replicate',
    dialects: OPENSIPS,
    summary: 'always false: transactions are not shared among nodes',
    compile: () => () => -1,
  },
];

const shared = transactionFunctions(cfgActions);
const replies = answerFunctions(cfgActions);

/** Functions of tm. */
export const tmFunctions: ScriptFunction[] = [
  ...sharedFunctions('tm', BOTH, { ...shared.both, ...STATUS_FUNCTIONS }),
  ...sharedFunctions('tm', OPENSIPS, { ...shared.opensips, t_reply: replies.opensips.t_reply }),
  ...sharedFunctions('tm', KAMAILIO, { ...shared.kamailio, t_reply: replies.kamailio.t_reply }),
  ...moduleFunctions('tm', [...tm, ...branchFunctions, ...transactionSettings]),
];
