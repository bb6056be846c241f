import type { CompiledRoute, RouteOutcome } from '../cfg/runtime.js';
import type { SipMessage } from '../sip/message.js';
import type { TxBranch } from './branch.js';
import { type Call, CfgScope, MessageRun } from './call.js';
import { MessageEdits } from './edits.js';
import type { ScriptEnvironment } from './environment.js';
import { editedReply } from './reply-routes.js';
import { sourceOfReplies, type TransactionState } from './state.js';
import { statusLine } from './status.js';

/** A transaction whose reply and failure routes are run. */
export interface RoutedTransaction extends TransactionState {
  readonly env: ScriptEnvironment;
  readonly call: Call;
}

/**
 * A reply after the reply routes: undefined for a provisional one that a route drops; a promise while a route waits for
 * something.
 */
export type RoutedReply = SipMessage | undefined | Promise<SipMessage | undefined>;

/** Runs the reply route of a branch and the global one. */
export function throughReplyRoutes(transaction: RoutedTransaction, branch: TxBranch, reply: SipMessage): RoutedReply {
  const { script, dialect } = transaction.env;
  const { armed } = transaction.call;
  const names = dialect === 'opensips' ? [branch.replyRoute, armed.reply] : [branch.replyRoute];
  let seen: RoutedReply = reply;
  for (const name of names) {
    const route = name === undefined ? undefined : script.route('onreply', name);
    if (route === undefined) continue;
    const before: RoutedReply = seen;
    seen =
      before instanceof Promise
        ? before.then((each) => throughReplyRoute(transaction, branch, route, each))
        : throughReplyRoute(transaction, branch, route, before);
  }
  return seen;
}

function throughReplyRoute(
  transaction: RoutedTransaction,
  branch: TxBranch,
  route: CompiledRoute,
  reply: SipMessage | undefined,
): RoutedReply {
  if (reply === undefined) return undefined;
  const run = replyRun(transaction, reply, branch);
  const { call, env } = transaction;
  const left = (outcome: RouteOutcome): SipMessage | undefined => {
    // As recorded, flags that a reply route sets are those of the transaction.
    if (env.dialect === 'kamailio') call.frozenFlags = call.flags;
    return outcome === 'drop' && reply.status < 200 ? undefined : editedReply(run);
  };
  const outcome = route.run(run);
  return outcome instanceof Promise ? outcome.then(left) : left(outcome);
}

/** Passes a reply on that the reply routes have seen, after the step of the call, if there is one, has changed it. */
export function throughStep(transaction: RoutedTransaction, branch: TxBranch, seen: RoutedReply): RoutedReply {
  const { step } = transaction.call;
  if (step === undefined || seen === undefined) return seen;
  if (seen instanceof Promise) return seen.then((each) => throughStep(transaction, branch, each));
  const run = replyRun(transaction, seen, branch);
  return step.reply(run)?.then(() => editedReply(run)) ?? seen;
}

function replyRun(transaction: RoutedTransaction, reply: SipMessage, branch: TxBranch): MessageRun {
  const { call, env } = transaction;
  const source = sourceOfReplies(branch, call.source);
  const shares = env.dialect === 'kamailio' || env.tm.onreplyAvps;
  const scope = new CfgScope(
    env,
    reply,
    source,
    shares ? call.scope.avps : new (call.scope.avps.constructor as new () => typeof call.scope.avps)(),
  );
  scope.call = call;
  scope.shareRecords(call.scope);
  scope.branchIndex = branch.index;
  scope.replyCode = reply.status;
  scope.replyReason = reply.reason;
  const run = new MessageRun(env, 'onreply', scope, reply, source, new MessageEdits(), call);
  run.transaction = transaction;
  run.branch = branch;
  return run;
}

/**
 * Runs a failure route with the chosen branch. `restored`: $ru and $du with which a failure route of Kamailio begins.
 */
export function runFailureRoute(
  transaction: RoutedTransaction,
  route: CompiledRoute,
  best: TxBranch,
  restored: { readonly uri: string; readonly destinationUri: string | undefined },
): RouteOutcome | Promise<RouteOutcome> {
  const { call, env } = transaction;
  const { scope } = call;
  if (env.dialect === 'opensips') {
    scope.setRequestUri(call.message.requestUri);
    scope.destinationUri = undefined;
    call.branchFlags = 0;
  }
  if (env.dialect === 'kamailio') {
    call.flags = call.frozenFlags;
    scope.setRequestUri(restored.uri);
    scope.destinationUri = restored.destinationUri;
    call.branchFlags = best.flags;
  }
  call.branches = [];
  scope.changed = false;
  scope.branchIndex = env.dialect === 'kamailio' ? transaction.branches.length : best.index;
  scope.replyCode = undefined;
  scope.replyReason = undefined;
  scope.txCode = best.status;
  scope.txReason = best.reply?.reason ?? statusLine(best.status, env.dialect);
  // As recorded of Kamailio, each failure route begins with the request as the request route left it; changes of an
  // earlier failure route are discarded.
  const { edits, message, replyLines } = call;
  if (env.dialect === 'kamailio') call.edits = edits.copy();
  const run = new MessageRun(env, 'failure', scope, message, call.source, call.edits, call);
  run.transaction = transaction;
  run.branch = best;
  const ended = (outcome: RouteOutcome): RouteOutcome => {
    // After msg_apply_changes() the message itself contains the changes, so the edits are not put back.
    if (call.message === message) call.edits = edits;
    // As recorded, append_to_reply() in a failure route applies to replies of that route only.
    if (env.dialect === 'kamailio') call.replyLines = replyLines;
    return outcome;
  };
  // Only the end of the route shows whether it waits for async(): a function before that may have waited too.
  const left = (outcome: RouteOutcome): RouteOutcome | Promise<RouteOutcome> =>
    run.suspended === undefined ? ended(outcome) : run.suspended.then(() => ended(outcome));
  const outcome = route.run(run);
  return outcome instanceof Promise ? outcome.then(left) : left(outcome);
}

/**
 * Runs the branch-failure event route that is armed for this branch (t_on_branch_failure), once. `restored`: $ru and
 * $du with which it begins.
 */
export function runBranchFailure(
  transaction: RoutedTransaction,
  branch: TxBranch,
  restored: { readonly uri: string; readonly destinationUri: string | undefined },
): RouteOutcome | Promise<RouteOutcome> | undefined {
  const { call, env } = transaction;
  const route = env.script.route('branch-failure', branch.branchFailureRoute);
  branch.branchFailureRoute = undefined;
  call.armed.branchFailure = undefined;
  if (route === undefined) return undefined;
  call.branches = [];
  const { scope } = call;
  const restore = (): void => {
    scope.setRequestUri(restored.uri);
    scope.destinationUri = restored.destinationUri;
    scope.changed = false;
    call.branchFlags = branchFlags;
  };
  const { branchFlags } = call;
  restore();
  call.flags = call.frozenFlags;
  call.branchFlags = branch.flags;
  call.scope.txCode = branch.status;
  call.scope.txReason = branch.reply?.reason ?? '';
  call.scope.branchIndex = branch.index;
  // As recorded, changes the route makes to the message apply only to the branches it adds, and replies do not have
  // them.
  const { edits, replyLines, replyBody } = call;
  call.edits = edits.copy();
  const run = new MessageRun(env, 'branch-failure', call.scope, call.message, call.source, call.edits, call);
  run.transaction = transaction;
  run.branch = branch;
  const outcome = route.run(run);
  const left = (): void => {
    restore();
    call.frozenFlags = call.flags;
    call.edits = edits;
    call.replyLines = replyLines;
    call.replyBody = replyBody;
  };
  if (outcome instanceof Promise) return outcome.finally(left);
  left();
  return outcome;
}

/** A run for a request that a script had suspended; it works as in a failure route. */
export function resumedRun(transaction: RoutedTransaction): MessageRun {
  const { call, env } = transaction;
  const { scope } = call;
  scope.changed = true;
  // As recorded, the suspended request counts as a branch.
  scope.branchIndex = transaction.branches.length + 1;
  scope.txCode = 0;
  scope.txReason = '';
  const run = new MessageRun(env, 'failure', scope, call.message, call.source, call.edits, call);
  run.transaction = transaction;
  return run;
}
