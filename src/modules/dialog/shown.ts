import { ownText } from '../../core/own-text.js';
import type { TransactionState } from '../../script/state.js';
import type { SipMessage } from '../../sip/message.js';
import { parseMessage } from '../../sip/parse-message.js';
import { type Dialog, otherSide, type Side } from './dialog.js';

/** Maximum length of an SDP that is kept. */
const MAX_SDP = 16_384;

/** Stores what an INVITE or UPDATE sent by `from`, and its answer, show each side of the other. */
export function storeShown(dialog: Dialog, from: Side, transaction: TransactionState): void {
  if (dialog.reinvited.size === 0) return;
  transaction.watch({
    left: (text) => keep(dialog, otherSide(from), parseMessage(text)),
    passed: (status, _reason, reply) => {
      if (status > 100 && status < 300) keep(dialog, from, reply);
    },
  });
}

function keep(dialog: Dialog, side: Side, message: SipMessage | undefined): void {
  if (message === undefined || !dialog.reinvited.has(side)) return;
  const before = dialog.shown[side];
  const isSdp = /^application\/sdp\b/i.test(message.header('content-type') ?? '') && message.body.length <= MAX_SDP;
  const contact = message.header('contact') ?? before?.contact ?? '';
  dialog.shown[side] = { contact: ownText(contact), sdp: isSdp ? ownText(message.body) : (before?.sdp ?? '') };
}
