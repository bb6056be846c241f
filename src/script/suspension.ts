import type { ScriptRun } from '../cfg/runtime.js';
import { messageOf } from '../core/errors.js';
import { MessageRun } from './call.js';
import { answerTrying, beginTransaction } from './relay.js';
import type { Suspension } from './state.js';

/**
 * Resumes a script when an operation is done. async() creates the transaction of the request first, which absorbs
 * retransmissions meanwhile. The changes of the script are kept. The resumed route finds the result of the function in
 * $rc.
 */
export function suspend(suspended: ScriptRun, { kind, at, done, resume }: Suspension): void {
  const run = suspended as MessageRun;
  const { call, env, routeKind } = run;
  if (kind === 'async' && routeKind === 'request') {
    const transaction = beginTransaction(run);
    if (transaction === undefined) return;
    answerTrying(transaction, call);
  }
  const go = async (): Promise<void> => {
    let code = -1;
    try {
      code = await done;
    } catch (error) {
      run.fault(at, messageOf(error));
    }
    if (resume === undefined) return;
    const later = new MessageRun(env, routeKind, run.pvars, run.message, run.source, run.edits, call);
    later.known = run.known;
    later.branch = run.branch;
    later.transaction = run.transaction;
    later.waited = true;
    later.pvars.returnCode = code;
    await resume.run(later);
    await later.suspended;
  };
  const whole = go();
  if (kind === 'async') run.suspended = whole;
}
