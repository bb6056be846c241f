import type { ScriptRun } from '../cfg/runtime.js';
import { messageOf } from '../core/errors.js';
import { within } from '../core/within.js';
import type { PvarValue } from '../pvar/context.js';
import { MessageRun } from './call.js';
import { answerTrying, beginTransaction } from './relay.js';
import type { Suspension } from './state.js';

/**
 * Resumes a script when an operation is done. async() first creates the transaction of the request, which absorbs
 * retransmissions meanwhile. The changes of the script are kept. The resumed route finds the result of the function in
 * $rc, and that of launch() finds its parameter in $param(1).
 */
export function suspend(suspended: ScriptRun, { kind, at, done, resume }: Suspension): void {
  const run = suspended as MessageRun;
  const { call, env, routeKind } = run;
  if (kind === 'async' && routeKind === 'request') {
    const transaction = beginTransaction(run);
    if (transaction === undefined) return;
    answerTrying(transaction, call);
  }
  const { route, extra } = resume;
  const go = async (): Promise<void> => {
    let code = -1;
    try {
      code = await (kind === 'async' ? codeWithin(run, done, extra) : done);
    } catch (error) {
      run.fault(at, messageOf(error));
    }
    if (route === undefined) return;
    const later = new MessageRun(env, routeKind, run.pvars, run.message, run.source, run.edits, call);
    later.known = run.known;
    later.branch = run.branch;
    later.transaction = run.transaction;
    later.waited = true;
    later.pvars.returnCode = code;
    const { params } = later.pvars;
    later.pvars.params = kind === 'launch' && extra !== undefined ? new Map([['1', extra]]) : NO_PARAMETERS;
    try {
      await route.run(later);
    } finally {
      later.pvars.params = params;
    }
    await later.suspended;
  };
  const whole = go();
  if (kind === 'async') run.suspended = whole;
}

const NO_PARAMETERS: ReadonlyMap<string, PvarValue> = new Map();

/** Value of `$rc` after the timeout of async(). */
const TIMED_OUT = -2;

/** The return code of the operation of async(), or TIMED_OUT after `seconds`, if these are given. */
async function codeWithin(
  run: MessageRun,
  done: number | Promise<number>,
  seconds: PvarValue | undefined,
): Promise<number> {
  if (typeof done === 'number' || typeof seconds !== 'number' || seconds <= 0) return done;
  const code = await within(run.env.clock, seconds * 1000, done);
  run.overdue = code === undefined;
  return code ?? TIMED_OUT;
}
