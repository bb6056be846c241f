import type { MessageRun } from '../script/call.js';
import { code, type FunctionSpec, intOf, moduleFunctions, type ScriptFunction, textOf } from './define.js';
import { accepted, kamailioFunction } from './kamailio-function.js';
import { relay, replicate } from './relaying.js';
import { suspendFunctions } from './suspended.js';
import { callIdFunctions } from './transactions-by-call-id.js';

function transaction(run: MessageRun) {
  return run.transaction ?? run.call.transaction;
}

/**
 * As recorded: the status of the reply at hand, of the branch that failed, or of the last reply sent; none in a branch
 * route.
 */
function statusCode(run: MessageRun): number {
  const { message, routeKind } = run;
  if (!message.isRequest) return message.status;
  if (routeKind === 'branch') return -1;
  if (routeKind === 'failure' || routeKind === 'branch-failure') return run.call.scope.txCode ?? -1;
  return transaction(run)?.lastStatus || -1;
}

const NO_FLAGS = { no100: false, noAutoReply: false };

const tm: FunctionSpec[] = [
  ...accepted('t_clean t_use_uac_headers', '', 1, 'accepted'),
  ...accepted('t_is_retr_async_reply', '', -1, 'false'),
  kamailioFunction('t_save_lumps', '', 'accepted where there is a transaction', (run) =>
    code(transaction(run) !== undefined),
  ),
  kamailioFunction('t_get_status_code', '', 'the status of the transaction', statusCode),
  kamailioFunction('t_retransmit_reply', '', 'sends the last reply again', (run) => {
    if ((transaction(run)?.lastStatus ?? 0) === 0) return -1;
    run.transaction?.server.retransmitted();
    return 1;
  }),
  ...['', '_udp', '_tcp', '_tls', '_sctp'].map((suffix) =>
    kamailioFunction(
      `t_forward_nonack${suffix}`,
      'host port',
      'false if the request has no transaction',
      (run, [host, port]) =>
        run.transaction === undefined ? -1 : relay(run, NO_FLAGS, `sip:${textOf(host, run)}:${textOf(port, run)}`),
      true,
    ),
  ),
  kamailioFunction(
    't_replicate',
    'uri? port?',
    'sends a copy of the request; its replies are not forwarded',
    (run, [uri, port]) =>
      replicate(
        run,
        uri === undefined
          ? undefined
          : port === undefined
            ? textOf(uri, run)
            : `sip:${textOf(uri, run)}:${textOf(port, run)}`,
      ),
    true,
  ),
  ...['t_replicate_udp', 't_replicate_tcp', 't_replicate_tls', 't_replicate_sctp'].map((name) =>
    kamailioFunction(
      name,
      'host port',
      'sends a copy of the request; its replies are not forwarded',
      (run, [host, port]) => {
        const transport = name.slice('t_replicate_'.length);
        const params = transport === 'udp' ? '' : `;transport=${transport}`;
        return replicate(run, `sip:${textOf(host, run)}:${textOf(port, run)}${params}`);
      },
      true,
    ),
  ),
  kamailioFunction(
    't_replicate_to',
    'transport address',
    'sends a copy of the request; its replies are not forwarded',
    (run, [transport, address]) => replicate(run, `sip:${textOf(address, run)};transport=${textOf(transport, run)}`),
    true,
  ),
  ...accepted(
    't_uac_send',
    'method uri next-hop socket headers body',
    -1,
    'false: uac_req_send() is what sends requests here',
  ),
];

const tmx: FunctionSpec[] = [
  ...callIdFunctions,
  ...suspendFunctions,
  ...accepted('t_reuse_branch', '', -1, 'false where no branch is to be used again'),
  kamailioFunction('t_flush_xflags', '', 'accepted where there is a transaction', (run) =>
    code(transaction(run) !== undefined),
  ),
  kamailioFunction('t_drop', 'code?', 'ends the transaction without a reply', (run) => {
    const found = transaction(run);
    if (found === undefined) return -1;
    found.ended(500);
    // As recorded, the script ends there.
    return 0;
  }),
];

const sl: FunctionSpec[] = [
  kamailioFunction('send_reply_mode', 'code reason mode', 'answers the request', (run, [status, reason]) => {
    run.env.layer.replyStateless(
      run.call.message,
      run.source,
      intOf(status, run, 500),
      textOf(reason, run),
      run.call.replyLines,
      '',
      run.call.marking,
    );
    run.answered = true;
    return 1;
  }),
  ...accepted('sl_forward_reply', 'code? reason?', 1, 'accepted: replies are forwarded'),
];

/** Functions of Kamailio's tm, tmx and sl that OpenSIPS does not have. */
export const kamailioTransactionFunctions: ScriptFunction[] = [
  ...moduleFunctions('tm', tm),
  ...moduleFunctions('tmx', tmx),
  ...moduleFunctions('sl', sl),
];
