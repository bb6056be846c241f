import type { RequestActions } from '../route/functions/actions.js';
import type { MessageRun } from '../script/call.js';
import { addBranch, isQ } from '../script/request-branches.js';
import { code } from './define.js';
import { looseRoute, recordRoute } from './record-routing.js';
import { checkTransaction, forwardStateless, relay } from './relaying.js';
import { replyHere } from './replying.js';

/** RequestActions for cfg files: a script acts on its transaction statement by statement. */
export const cfgActions: RequestActions<MessageRun, number | Promise<number>> = {
  relay,
  forward: forwardStateless,
  checkTransaction: (run) =>
    run.routeKind === 'onreply'
      ? code(run.transaction !== undefined || (run.env.dialect === 'kamailio' && run.env.layer.ownsBranch(run.message)))
      : checkTransaction(run),
  arm({ call }, kind, name) {
    call.armed[kind] = name;
    return 1;
  },
  cancelled: (run) => (run.transaction ?? run.call.transaction)?.cancelled === true,
  reply: replyHere,
  unsetReply: ({ env }, way) => (way === 'stateful' ? env.tm.unsetReply : env.tm.unsetStateless),
  addReplyLines({ call, env }, lines) {
    if (lines === '' && env.dialect === 'kamailio') return -1;
    call.replyLines += lines;
    return 1;
  },
  appendBranch: (run, uri, q) => code(appendBranch(run, uri, q)),
  looseRoute,
  recordRoute,
};

/** Adds a branch; without a URI its target is the current $ru and $du. */
function appendBranch(run: MessageRun, uri: string | undefined, q: string): boolean {
  const { call, env } = run;
  if (env.dialect === 'kamailio' && !isQ(q)) return false;
  // As documented, no branch can be added after a 6xx.
  if (run.routeKind === 'failure' && env.tm.block6xx && call.transaction?.branches.some((each) => each.status >= 600))
    return false;
  const given = uri === undefined || uri === '' ? undefined : uri;
  const added = addBranch(
    call.branches,
    {
      uri: given ?? call.requestUri,
      destinationUri: given === undefined || env.dialect === 'kamailio' ? run.pvars.destinationUri : undefined,
      q,
      flags: call.branchFlags,
      socket: call.sendSocket?.description,
    },
    env.maxBranches,
  );
  if (!added) return false;
  // As recorded, a branch that takes the request's own target also takes $du and $fs away from it.
  if (given === undefined && env.dialect === 'kamailio') {
    run.pvars.destinationUri = undefined;
    call.sendSocket = undefined;
  }
  return true;
}
