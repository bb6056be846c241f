import type { Position } from '../cfg/ast.js';
import type { CompiledRoute } from '../cfg/runtime.js';
import { messageOf } from '../core/errors.js';
import { MessageRun } from './call.js';
import { answerTrying, beginTransaction } from './relay.js';

/** What async() or launch() has begun, and the route that goes on when it is done. */
export interface Suspension {
  readonly kind: 'async' | 'launch';
  readonly at: Position;
  readonly done: number | Promise<number>;
  readonly resume: CompiledRoute | undefined;
}

/**
 * Resumes a script when an operation is done. async() begins the transaction of a request, so that its copies are absorbed meanwhile; what
 * the script has changed is as it was. The route that is resumed finds what the function returned in $rc.
 */
export function suspend(run: MessageRun, { kind, at, done, resume }: Suspension): void {
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
