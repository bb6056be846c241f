import type { ScriptRun } from '../cfg/runtime.js';
import { PeerShare } from '../core/peer-share.js';
import type { Call, MessageRun } from '../script/call.js';
import { PerCall } from '../script/per-call.js';
import { answerTrying, beginTransaction } from '../script/relay.js';
import type { TransactionState } from '../script/state.js';
import { transactionNumbers } from '../script/transaction-numbers.js';
import { type FunctionSpec, textOf } from './define.js';
import { kamailioFunction } from './kamailio-function.js';

/** The numbers by which a script refers to a transaction: $T(id_index) and $T(id_label). */
export interface TransactionId {
  readonly index: number;
  readonly label: number;
}

/** As in the original, a slot of a table of 65,536, and a number in it. */
const idOf = (label: number): TransactionId => ({ index: Math.imul(label, 40_503) & 0xffff, label });

const ids = new PerCall<TransactionId, TransactionState>(() => {
  return idOf(transactionNumbers.take());
});

/** The numbers that the next transaction will get when it is asked for them. */
export function nextTransactionId(): TransactionId {
  return idOf(transactionNumbers.next);
}

/** Whether a transaction has these numbers. */
export function hasId(transaction: TransactionState, index: number | undefined, label: number | undefined): boolean {
  const known = ids.known(transaction);
  return known !== undefined && known.index === index && known.label === label;
}

/** The numbers of a transaction. */
export function transactionId(transaction: TransactionState): TransactionId {
  return ids.of(transaction);
}

interface SuspendedRequest {
  readonly call: Call;
  readonly transaction: TransactionState;
  /** The run of the reply route that suspended it. */
  readonly replyRun: MessageRun | undefined;
  /** Stops the timer of this suspension: the request may be suspended again, with a time of its own. */
  readonly stopTimer: () => void;
}

/** Suspended transactions that wait for t_continue(), by "index:label". */
const kept = {
  module: 'tmx',
  create: () => ({
    requests: new Map<string, SuspendedRequest>(),
    shares: new PeerShare(),
  }),
};

type State = ReturnType<typeof kept.create>;

/** Maximum number of suspended transactions. */
const MAX_SUSPENDED = 100_000;

/** Ends the waiting of a suspended request. */
function release({ requests, shares }: State, key: string, { transaction, call, stopTimer }: SuspendedRequest): void {
  requests.delete(key);
  stopTimer();
  shares.remove(call.source.address);
  transaction.suspended = false;
}

const keyOf = ({ index, label }: TransactionId): string => `${index}:${label}`;

/** t_suspend() and t_continue() of Kamailio's tmx. */
export const suspendFunctions: FunctionSpec[] = [
  kamailioFunction('t_suspend', '', 'suspends the request until t_continue()', (run) => {
    const { routeKind } = run;
    // As recorded, the route of all replies has no transaction.
    if (routeKind === 'onreply' && run.transaction === undefined) return -1;
    const transaction = beginTransaction(run);
    if (transaction === undefined) return 0;
    const { call, env } = run;
    const state = env.modules.of(kept);
    const { requests: waiting, shares } = state;
    const { address } = call.source;
    if (transaction.final !== 0) return -1;
    if (!env.peers.admits('suspended_requests', shares, MAX_SUSPENDED, address)) return -1;
    answerTrying(transaction, call);
    if (routeKind === 'request' || routeKind === 'failure') {
      call.edits = run.edits;
      call.freeze();
    }
    const key = keyOf(transactionId(transaction));
    if (waiting.has(key)) return 1;
    transaction.suspended = true;
    shares.add(address);
    // As recorded, as if a gateway did not answer.
    const stopTimer = env.clock.schedule(call.frTimeout ?? env.tm.frTimeout, () => {
      release(state, key, suspended);
      transaction.reply(408, 'Request Timeout', call.replyLines);
    });
    const suspended = { call, transaction, replyRun: routeKind === 'onreply' ? run : undefined, stopTimer };
    waiting.set(key, suspended);
    return 1;
  }),
  kamailioFunction(
    't_continue',
    'index label route',
    'continues a suspended request (t_suspend) in a route',
    (run, [index, label, name]) => {
      const state = run.env.modules.of(kept);
      const key = `${textOf(index, run)}:${textOf(label, run)}`;
      const found = state.requests.get(key);
      const route = run.env.script.subRoute(textOf(name, run));
      if (found === undefined || route === undefined) return -1;
      release(state, key, found);
      const { transaction, call, replyRun } = found;
      if (transaction.final !== 0) return -1;
      const { scope } = call;
      const own = scope.run;
      const go = (resumed: ScriptRun): Promise<number> => {
        // The limit on statements applies to the whole run.
        resumed.work = run.work;
        // As recorded, the route begins with $rc 0.
        resumed.pvars.returnCode = 0;
        return route.call(resumed).finally(() => {
          run.work = resumed.work;
        });
      };
      // As recorded, a reply route continues with its reply.
      const done = replyRun === undefined ? transaction.resumeWith(go) : go(replyRun);
      const after = (): number => {
        scope.run = own;
        return 1;
      };
      return done instanceof Promise ? done.then(after) : after();
    },
    true,
  ),
];
