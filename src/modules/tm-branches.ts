import type { MessageRun } from '../script/call.js';
import { code, type FunctionSpec, intOf, KAMAILIO, OPENSIPS, optional, param, textOf } from './define.js';

/** The branches of the run's transaction; none before it is created. */
function branches(run: MessageRun) {
  return (run.transaction ?? run.call.transaction)?.branches ?? [];
}

/** Functions on the branches of a transaction and their replies. */
export const branchFunctions: FunctionSpec[] = [
  {
    name: 't_grep_status',
    dialects: KAMAILIO,
    parameters: [param('code', 'int')],
    summary: 'whether a branch has a status',
    compile:
      ([status]) =>
      (run) => {
        const wanted = intOf(status, run, 0);
        // As recorded, the reply that a reply route has at hand counts.
        if (run.routeKind === 'onreply' && run.branch !== undefined && run.message.status === wanted) return 1;
        // As recorded, the branch that got its final reply last does not count yet, unless it had a provisional one
        // before.
        const last = run.routeKind === 'failure' ? run.transaction?.lastFinalBranch : undefined;
        return code(branches(run).some((each) => (each !== last || each.replied) && each.status === wanted));
      },
  },
  {
    name: 't_local_replied',
    dialects: OPENSIPS,
    parameters: [param('which', 'string', { values: ['all', 'last', 'branch'] })],
    routes: ['request', 'failure', 'onreply'],
    summary: 'whether the replies of all branches, or the chosen reply, were generated here',
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
    summary: 'whether a branch timed out',
    compile: () => (run) => code(branches(run).some((each) => each.timedOut)),
  },
  {
    name: 't_any_replied',
    dialects: KAMAILIO,
    summary: 'whether a branch got a reply',
    // As recorded, the reply that a reply route has at hand does not count yet.
    compile: () => (run) =>
      code(
        branches(run).some((each) =>
          run.routeKind === 'onreply' && each === run.branch ? each.status > 100 : each.replied,
        ),
      ),
  },
  {
    name: 't_branch_timeout',
    dialects: KAMAILIO,
    routes: ['failure', 'branch-failure', 'event'],
    summary: 'whether the chosen branch timed out',
    compile: () => (run) => code(run.branch?.timedOut === true),
  },
  {
    name: 't_branch_replied',
    dialects: KAMAILIO,
    routes: ['failure', 'branch-failure', 'event'],
    summary: 'whether the chosen branch had a reply before the current one',
    compile: () => (run) => code(run.branch?.replied === true),
  },
  {
    name: 't_is_expired',
    dialects: KAMAILIO,
    summary: 'whether the transaction timed out',
    compile: () => () => -1,
  },
  {
    name: 't_drop_replies',
    dialects: KAMAILIO,
    parameters: [optional('mode', 'string')],
    routes: ['failure'],
    summary: 'removes the received replies from the choice of the best',
    compile:
      ([mode]) =>
      (run) => {
        const which = textOf(mode, run, 'a');
        const transaction = run.transaction;
        if (transaction === undefined) return -1;
        if (which === 'n') {
          transaction.keepReplies();
          return 1;
        }
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
    summary: 'cancels branches: a (all), o (others), or this one',
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
    summary: 'cancels branches: all, others or this',
    compile:
      ([which]) =>
      (run) => {
        const wanted = textOf(which, run);
        const others = wanted === 'others' && run.routeKind === 'onreply';
        if (others && !branches(run).some((each) => each !== run.branch)) return -1;
        for (const each of branches(run)) {
          if (wanted === 'all' || (wanted === 'others' ? each !== run.branch : each === run.branch)) each.cancel('');
        }
        return 1;
      },
  },
];
