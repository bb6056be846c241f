import { percentEncoder } from '../core/uri.js';
import type { ReplyWay } from '../route/functions/actions.js';
import { TxBranch } from '../script/branch.js';
import type { MessageRun } from '../script/call.js';
import { containsLineBreak } from '../script/outgoing.js';
import { oneLine } from '../script/own-requests.js';
import { answerTrying, beginTransaction, repeatedRequests } from '../script/relay.js';
import { runLocalResponse } from '../script/reply-routes.js';
import { runErrorOf } from '../script/service-routes.js';
import type { TransactionState } from '../script/state.js';
import { warningOf } from '../script/warning.js';
import { qParameter } from './contacts.js';
import { code } from './define.js';

/** Changes the status of the reply that a reply route handles; false for a status of another class. */
export function changeReplyStatus(run: MessageRun, status: number, reason: string): number {
  const now = run.message.status;
  if (status < 100 || status > 699 || now < 300 !== status < 300 || now < 200 !== status < 200) return -1;
  run.newStatus = `${status} ${reason}`;
  // As recorded of Kamailio, the route itself sees the new status, but the old reason.
  if (run.env.dialect === 'kamailio') run.pvars.replyCode = status;
  return 1;
}

/** Answers the request of a run. */
export function replyHere(run: MessageRun, status: number, reason: string, way: ReplyWay): number {
  if (containsLineBreak(reason)) {
    const { reasonEnd } = run;
    const line = oneLine(reason.slice(0, reason.length - reasonEnd.length));
    return answer(run, status, line + reasonEnd, way);
  }
  return answer(run, status, reason, way);
}

function answer(run: MessageRun, status: number, reason: string, way: ReplyWay): number {
  const { call, env } = run;
  // As recorded, Kamailio's sl sends codes below 100 as they are.
  const least = env.dialect === 'kamailio' && way === 'stateless' ? 1 : 100;
  if (status < least || status > (env.dialect === 'opensips' ? 699 : 999)) return -1;
  if (call.message.method === 'ACK' || (call.own && env.dialect === 'opensips')) return -1;
  // In event_route[tm:local-response] the message is the reply itself.
  if (!call.message.isRequest) return way === 'stateful' ? replyByReply(run, status, reason) : -1;
  runErrorOf(call);
  let transaction = run.transaction ?? (way === 'stateless' ? undefined : call.transaction);
  if (way === 'begin' && transaction === undefined) {
    if (env.dialect === 'kamailio' && repeatedRequests.known(call) === true) return -1;
    transaction = beginTransaction(run);
    if (transaction === undefined) return 0;
    if (env.dialect === 'opensips') answerTrying(transaction, call);
  }
  if (transaction === undefined && repliesToCopy(run, way)) {
    transaction = run.known?.server?.owner as TransactionState | undefined;
    if (transaction === undefined) return -1;
    repeatedRequests.set(call, true);
  }
  const before = call.replyLines;
  const lines = replyLines(run, status, way);
  const body = call.replyBody;
  // As recorded, a transaction cannot be answered from its branch-failure route.
  if (run.routeKind === 'branch-failure' && way !== 'stateless') return -1;
  if (transaction !== undefined && (way !== 'stateless' || env.dialect === 'opensips')) {
    const good = transaction.reply(status, reason, lines, body);
    call.replyBody = '';
    return code(good);
  }
  if (way === 'stateful') return -1;
  const text = before === lines ? lines + server(run, status) : server(run, status) + lines;
  env.layer.replyStateless(call.message, run.source, status, reason, text, body, call.marking);
  call.replyBody = '';
  if (env.dialect === 'kamailio') runLocalResponse(env, call.message, status, reason, call, text, 'sl');
  run.answered = status >= 200;
  if (status >= 200 && call.message.method !== 'CANCEL') {
    env.calls?.answered(status);
    call.recordRefusal(status, reason);
  }
  return 1;
}

/**
 * Whether a reply is one of the transaction that a retransmission belongs to. As recorded of Kamailio, t_reply() finds
 * that transaction by itself, send_reply() after t_relay().
 */
function repliesToCopy(run: MessageRun, way: ReplyWay): boolean {
  if (run.env.dialect !== 'kamailio' || run.routeKind !== 'request' || run.known?.kind !== 'copy') return false;
  return way === 'stateful' || (way === 'either' && repeatedRequests.known(run.call) === true);
}

/** As recorded, t_reply() in Kamailio's route of all replies answers the request that the reply belongs to. */
function replyByReply(run: MessageRun, status: number, reason: string): number {
  if (run.routeKind !== 'onreply') return -1;
  const user = run.env.layer.replies.userOf(run.message, run.source);
  if (!(user instanceof TxBranch)) return -1;
  const { call } = run;
  const good = user.transaction.reply(status, reason, replyLines(run, status, 'stateful'), call.replyBody);
  call.replyBody = '';
  return code(good);
}

/** The Server line of a reply. */
function server(run: MessageRun, status: number): string {
  return status > 100 || run.env.dialect === 'kamailio' ? run.env.serverLine : '';
}

/** Lines of append_to_reply, and for a redirection a Contact with the URIs that the script has set. */
function replyLines(run: MessageRun, status: number, way: ReplyWay): string {
  const { call, env } = run;
  let lines = call.replyLines;
  if (status >= 300 && status < 400) {
    const changed = call.requestUri !== call.message.requestUri;
    const { tm } = env;
    const rich = way === 'stateful' ? tm.richRedirect : tm.richStateless;
    const main = { uri: call.requestUri, q: call.q, path: call.path, flags: call.branchFlags };
    const uris = [...(changed ? [main] : []), ...call.branches].map((each) => contactOf(each, rich));
    // A URI with a line break is not valid and is left out.
    const whole = uris.filter((each) => !containsLineBreak(each));
    if (whole.length > 0) lines += `Contact: ${whole.join(', ')}\r\n`;
    // As recorded, later replies of Kamailio have these lines too.
    if (env.dialect === 'kamailio') call.replyLines = lines;
  }
  if (status > 100 || env.dialect === 'kamailio') lines += warningOf(call, run.routeKind === 'failure' ? 1 : 0);
  return lines;
}

interface OfferedContact {
  readonly uri: string;
  readonly q: string | undefined;
  readonly path: string;
  readonly flags: number;
}

/** A contact of a redirection. `rich` is rich_redirect: 1 with the branch flags, 2 with the path. */
function contactOf({ uri, q, path, flags }: OfferedContact, rich: number): string {
  const route = (rich & 2) === 0 || path === '' ? '' : `?Route=${escapedPath(path)}`;
  return `<${uri}${route}>${qParameter(q)}${(rich & 1) === 0 ? '' : `;flags=${flags}`}`;
}

/** A path as the value of a URI parameter, escaped as recorded of Kamailio. */
const escapedPath = percentEncoder(/[^A-Za-z0-9\-_.!~*'():]/);
