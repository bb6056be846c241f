import type { MessageRun } from '../../script/call.js';
import type { ScriptHooks } from '../../script/hooks.js';
import type { TransactionState } from '../../script/state.js';
import type { SipMessage } from '../../sip/message.js';
import { reasonPhrase } from '../../sip/reply.js';
import type { Dialog } from '../dialog/dialog.js';
import { dialogs } from '../dialog/state.js';
import {
  ACK_RECORD,
  type AccContext,
  type Accounting,
  ANSWERED,
  accountingOf,
  CALL_ENDED,
  MISSED,
  recordOf,
} from './account.js';
import { callData, skipsCdr, writeCdr } from './cdr.js';
import { keepRecord } from './kept.js';
import type { AccSettings, Outlets } from './settings.js';

const NONE: Outlets<boolean> = { log: false, db: false, nats: false, evi: false };

function masked(masks: Outlets<number>, flags: number): Outlets<boolean> {
  const on = (mask: number): boolean => (mask & flags) !== 0;
  return { log: on(masks.log), db: on(masks.db), nats: on(masks.nats), evi: on(masks.evi) };
}

function any(outlets: Outlets<boolean>): boolean {
  return outlets.log || outlets.db || outlets.nats || outlets.evi;
}

function askedOutlets(context: AccContext | undefined, what: 'answered' | 'missed'): Outlets<boolean> {
  const asked = context?.asked;
  if (asked === undefined || (what === 'missed' && !asked.missed)) return NONE;
  const on = (kind: 'log' | 'db' | 'nats' | 'evi'): boolean => asked.kinds.has(kind);
  return { log: on('log'), db: on('db'), nats: on('nats'), evi: on('evi') };
}

/** The flags of all outlets that request a record. */
function allOf({ log, db, nats, evi }: Outlets<number>): number {
  return log | db | nats | evi;
}

function either(a: Outlets<boolean>, b: Outlets<boolean>): Outlets<boolean> {
  return { log: a.log || b.log, db: a.db || b.db, nats: a.nats || b.nats, evi: a.evi || b.evi };
}

/** The reply that a record is about; `reply` is undefined when this proxy generated it. */
interface Status {
  readonly code: number;
  readonly reason: string;
  readonly reply: SipMessage | undefined;
}

/** The value of a reply's first Reason field, if the settings ask for it. */
function reasonIn(settings: AccSettings, reply: SipMessage | undefined): string | undefined {
  return settings.reasonFromHeader ? reply?.header('reason') : undefined;
}

/** Writes records about a transaction. Flags are read at its end, since failure routes may change them. */
function follow(run: MessageRun, transaction: TransactionState): void {
  const { call, env } = run;
  const acc = accountingOf(run);
  const { settings } = acc;
  const { message } = call;
  if (message.method === 'CANCEL' && !settings.reportCancels) return;
  const kamailio = env.dialect === 'kamailio';
  // As recorded, a flag decides here already, when the transaction begins, whether it can be accounted later.
  const prepared = settings.prepareAlways || (call.flags & settings.preparing) !== 0 || settings.cdrs.enabled;
  if (kamailio && !prepared) return;
  let status: Status = { code: 0, reason: '', reply: undefined };
  /**
   * Flags when the last failure was handled, by which a generated reply is accounted; undefined when there was no
   * failure.
   */
  let judgedBy: number | undefined;
  /** Whether the call would have been recorded from its beginning if it failed. */
  const watched = transaction.invite && (call.flags & allOf(settings.missed)) !== 0;
  /** The code of the last failure, if it was generated without a received reply. */
  let silent = 0;
  const write = (what: 'answered' | 'missed', flags: number, { code, reason, reply }: Status): boolean => {
    const context = acc.peek(call);
    const outlets = either(masked(settings[what], flags), askedOutlets(context, what));
    if (!any(outlets)) return false;
    const [title, table] = what === 'missed' ? [MISSED, settings.missedTable] : [ANSWERED, settings.table];
    const shown = reasonIn(settings, reply) ?? reason;
    const record = recordOf(title, message, reply, code, shown, env.clock.now(), env.layer.localTag(message));
    showing(run, transaction, code, () => acc.write(run, outlets, record, context?.asked?.table ?? table));
    return true;
  };
  const writeMissed = (flags: number, status: Status): boolean => transaction.invite && write('missed', flags, status);
  transaction.watch({
    failing: (code, reason, reply) => {
      judgedBy = kamailio ? call.frozenFlags : call.flags;
      writeMissed(judgedBy, { code, reason, reply });
      silent = reply === undefined ? code : 0;
      // As recorded, a missed call is written once: the flag is reset before the failure route, which may set it again.
      if (!kamailio) return;
      call.frozenFlags &= ~allOf(settings.missed);
      call.flags &= ~allOf(settings.missed);
    },
    passed: (code, reason, reply) => {
      // As recorded, there is one record for each provisional reply with a body.
      const early = code < 200 && settings.earlyMedia && transaction.invite && reply !== undefined;
      if (early && reply.bodyEnd > reply.bodyStart) write('answered', call.flags, { code, reason, reply });
      if (code >= 200 && status.code === 0) status = { code, reason, reply };
    },
    ended: (code, reply) => {
      const context = acc.peek(call);
      // A request that was not relayed keeps the flags with which its transaction began.
      const flags = kamailio && call.relayed === undefined && judgedBy === undefined ? call.frozenFlags : call.flags;
      const answered = either(masked(settings.answered, flags), askedOutlets(context, 'answered'));
      let shown = status.code === 0 ? { code, reason: reply?.reason ?? '', reply } : status;
      const now = env.clock.now();
      let tag = env.layer.localTag(message);
      if (kamailio && shown.code !== 0) {
        const own = shown.reply === undefined;
        // As recorded, a generated reply is written with the usual reason phrase.
        if (own) shown = { ...shown, reason: reasonPhrase(shown.code) };
        // As recorded, the final reply is also written as a missed call if the failure route has set the flag again.
        // For a reply that the failure route itself sends, the flags before that route decide.
        const missedBy = transaction.inFailureRoute ? (judgedBy ?? flags) : flags;
        const missed = shown.code >= 300 && (own || judgedBy !== undefined) && writeMissed(missedBy, shown);
        // As recorded, a generated reply has a tag only where it was examined as a missed call.
        if (own && !missed && !(watched && silent === shown.code)) tag = '';
      }
      const dialog = env.modules.loaded.has('dialog') ? env.modules.of(dialogs).of(run) : undefined;
      const reversed = settings.detectDirection && dialog?.direction === 'callee' && message.toTag !== '';
      const record = (title: string) =>
        recordOf(
          title,
          message,
          shown.reply,
          shown.code,
          reasonIn(settings, shown.reply) ?? shown.reason,
          now,
          tag,
          reversed,
        );
      const failedToo = (settings.failed & flags) !== 0 || context?.asked?.failed === true;
      if (code >= 300 && (!failedToo || settings.unaccounted.has(shown.code))) return;
      const wantsCdr = (settings.cdr & flags) !== 0 || context?.asked?.cdr === true;
      if (wantsCdr && code < 300 && transaction.invite && dialog !== undefined && message.toTag === '') {
        cdrAtEnd(run, acc, dialog, answered, record(CALL_ENDED));
        return;
      }
      if (code < 300 && begins(run, acc, dialog)) {
        keepRecord(env, dialog, () => ({ kamailio: callData(run, acc, dialog) }));
      }
      const table = context?.asked?.table ?? settings.table;
      if (any(answered)) showing(run, transaction, shown.code, () => acc.write(run, answered, record(ANSWERED), table));
    },
  });
}

/**
 * As recorded of Kamailio, $T_reply_code in a record is the code of the reply that the record is about, but for a reply
 * that the failure route makes.
 */
function showing(
  { env, call: { scope } }: MessageRun,
  { inFailureRoute }: TransactionState,
  status: number,
  write: () => void,
): void {
  if (env.dialect !== 'kamailio' || inFailureRoute) {
    write();
    return;
  }
  const before = scope.txCode;
  scope.txCode = status;
  write();
  scope.txCode = before;
}

/** OpenSIPS: writes one record for the whole call when its dialog ends. */
function cdrAtEnd(
  run: MessageRun,
  acc: Accounting,
  dialog: Dialog,
  outlets: Outlets<boolean>,
  record: ReturnType<typeof recordOf>,
): void {
  const table = acc.peek(run.call)?.asked?.table ?? acc.settings.table;
  const { began: created, answeredAt: answered } = dialog;
  keepRecord(run.env, dialog, () => ({
    opensips: { ...acc.filled(run.call, outlets, record, table), created, answered },
  }));
  dialog.atEnd.push(() => {
    const times = { created: dialog.began, answered: dialog.answeredAt, ended: dialog.endedAt };
    acc.write(run, outlets, record, table, times);
  });
}

/** Whether this run began a dialog for which Kamailio's record of the whole call will be written. */
function begins(run: MessageRun, acc: Accounting, dialog: Dialog | undefined): dialog is Dialog {
  return acc.settings.cdrs.enabled && dialog !== undefined && dialog.call === run.call;
}

/** Hooks that write records about transactions and dialogs. */
export const accHooks: ScriptHooks<MessageRun> = {
  received: [],
  began: [
    follow,
    (run) => {
      const { env } = run;
      const acc = accountingOf(run);
      if (!env.modules.loaded.has('dialog')) return;
      const dialog = env.modules.of(dialogs).of(run);
      // Only for the transaction that began the dialog, not for those within it.
      if (begins(run, acc, dialog)) {
        // As recorded, further values are those of the message that ends the call.
        dialog.atEnd.push((by) => {
          if (!skipsCdr(acc, dialog)) writeCdr(env, acc, callData({ call: by }, acc, dialog), dialog.endedAt);
        });
      }
    },
  ],
  routed: [],
  acknowledged: [
    (run) => {
      const acc = accountingOf(run);
      const { settings } = acc;
      if (!settings.reportAck) return;
      const { call, env } = run;
      const outlets = masked(settings.answered, call.flags);
      if (!any(outlets)) return;
      const record = recordOf(ACK_RECORD, call.message, undefined, 200, 'OK', env.clock.now(), '');
      acc.write(run, outlets, record, settings.table);
    },
  ],
  cancelled: [
    (run) => {
      const acc = accountingOf(run);
      const { settings } = acc;
      const { call, env } = run;
      const outlets = masked(settings.answered, call.flags);
      if (!settings.reportCancels || !any(outlets)) return;
      acc.write(
        run,
        outlets,
        recordOf(ANSWERED, call.message, undefined, 200, 'OK', env.clock.now(), ''),
        settings.table,
      );
    },
  ],
};
