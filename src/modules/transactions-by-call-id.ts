import { AgedMap } from '../core/aged-map.js';
import { ownText } from '../core/own-text.js';
import type { MessageRun } from '../script/call.js';
import type { ScriptEnvironment } from '../script/environment.js';
import { NO_HOOKS, type ScriptHooks } from '../script/hooks.js';
import { oneLine } from '../script/own-requests.js';
import type { TransactionState } from '../script/state.js';
import { ScriptTransaction } from '../script/transaction.js';
import { type Arg, code, type FunctionSpec, intOf, textOf } from './define.js';
import { kamailioFunction } from './kamailio-function.js';

/** Maximum number of transactions in the index; more than this have no final reply only in a flood. */
const MAX_TRANSACTIONS = 100_000;

/** How long an answered INVITE is still found, in milliseconds: tm's default of wt_timer. */
const KEPT_MS = 5000;
/** Maximum sum of the lengths of the Call-IDs of answered INVITEs, in characters. */
const MAX_CHARACTERS = 16 * 1024 * 1024;

const keyOf = (callId: string, number: number): string => `${number} ${callId}`;

/** Transactions by Call-ID and number of CSeq. */
class CallIdIndex {
  private readonly pending = new AgedMap<ScriptTransaction>(Infinity, MAX_TRANSACTIONS, Infinity);
  /** Keys of answered INVITEs. The transactions are not kept: nothing can be done with them, and they have whole messages. */
  private readonly answered = new AgedMap<true>(KEPT_MS, MAX_TRANSACTIONS, MAX_CHARACTERS);

  constructor(private readonly env: ScriptEnvironment) {
    for (const { owner } of env.layer.pending()) if (owner instanceof ScriptTransaction) this.add(owner);
  }

  /** Adds a transaction unless an earlier one with the same Call-ID and number is pending. */
  add(transaction: ScriptTransaction): void {
    const { callId, cseqNumber, method } = transaction.call.message;
    const now = this.env.clock.monotonic();
    const key = keyOf(callId, cseqNumber);
    if (method === 'CANCEL' || transaction.final !== 0 || this.pending.get(key, now) !== undefined) return;
    this.pending.set(key, transaction, 0, now);
    transaction.watch({
      ended: () => {
        this.pending.delete(key);
        if (transaction.invite) this.answered.set(ownText(key), true, key.length, this.env.clock.monotonic());
      },
    });
  }

  /** The pending transaction; "answered" for an INVITE that has its final reply; undefined when neither is known. */
  find(callId: string, number: string): ScriptTransaction | 'answered' | undefined {
    // As recorded, "1 INVITE" is the number of no transaction.
    if (!/^\d{1,10}$/.test(number)) return undefined;
    const key = keyOf(callId, Number(number));
    const now = this.env.clock.monotonic();
    return this.pending.get(key, now) ?? (this.answered.get(key, now) === true ? 'answered' : undefined);
  }
}

/** The index is made when a script first looks for a transaction: most files never do. */
const kept = { module: 'tmx', create: () => ({ index: undefined as CallIdIndex | undefined }) };

function find(run: MessageRun, callId: Arg | undefined, number: Arg | undefined) {
  const state = run.env.modules.of(kept);
  state.index ??= new CallIdIndex(run.env);
  return state.index.find(textOf(callId, run), textOf(number, run));
}

/** Enters new transactions into the index, once there is one. */
export const callIdHooks: ScriptHooks<MessageRun, ScriptEnvironment> = {
  ...NO_HOOKS,
  began: [
    ({ env }, transaction: TransactionState) => {
      if (transaction instanceof ScriptTransaction) env.modules.existing(kept)?.index?.add(transaction);
    },
  ],
};

/** t_reply_callid() and t_cancel_callid() of Kamailio's tmx. */
export const callIdFunctions: FunctionSpec[] = [
  kamailioFunction(
    't_reply_callid',
    'callid cseq code reason',
    'answers the request of the first transaction with this Call-ID and number of CSeq',
    (run, [callId, number, status, reason]) => {
      const found = find(run, callId, number);
      const wanted = intOf(status, run, 0);
      // The original sends a reply with the code 0 for "".
      if (!(found instanceof ScriptTransaction) || wanted < 100 || wanted > 699) return -1;
      return code(found.reply(wanted, oneLine(textOf(reason, run)), found.call.replyLines));
    },
  ),
  kamailioFunction(
    't_cancel_callid',
    'callid cseq flag code?',
    'cancels the branches of the first INVITE transaction with this Call-ID and number of CSeq; no route sees the flag',
    // As recorded, isflagset() finds the flag neither in reply routes nor in failure routes.
    (run, [callId, number, , cause]) => {
      const found = find(run, callId, number);
      if (found === 'answered') return 1;
      if (found?.invite !== true) return -1;
      const status = intOf(cause, run, 0);
      found.cancelBranches(status >= 100 && status <= 699 ? `Reason: SIP;cause=${status}\r\n` : '');
      return 1;
    },
  ),
];
