import type { MessageRun } from '../../script/call.js';
import type { TransactionState } from '../../script/state.js';
import type { SipMessage } from '../../sip/message.js';
import type { TextEdit } from '../../sip/reply.js';

/** Maximum number of requests of one side whose shift is remembered: an ACK has the number of its INVITE. */
const MAX_KEPT = 16;

/**
 * The difference by which CSeq numbers of one side are raised when its requests are forwarded. It grows when this proxy
 * sends its own requests inside the dialog, since these use numbers that the side does not know of (RFC 3261 section
 * 12.2.1.1).
 */
export class Numbers {
  /** Number that is added in further requests. */
  shift = 0;
  private readonly kept = new Map<number, number>();

  /** Number to add in a request. */
  of(method: string, number: number): number {
    const known = this.kept.get(number);
    if (known !== undefined) return known;
    // The INVITE of the ACK was sent before the first request of this proxy.
    if (method === 'ACK') return 0;
    if (this.shift > 0) this.keep(number, this.shift);
    return this.shift;
  }

  /** A request is sent with a new number; its ACK will have that number too. */
  raise(number: number, by = 1): void {
    this.shift += by;
    this.keep(number, this.shift);
  }

  private keep(number: number, shift: number): void {
    this.kept.set(number, shift);
    if (this.kept.size <= MAX_KEPT) return;
    const [oldest] = this.kept.keys();
    if (oldest !== undefined) this.kept.delete(oldest);
  }
}

/** Edit that replaces the number in CSeq. */
function numberEdit(message: SipMessage, number: number): TextEdit {
  const digits = /^\d*/.exec(message.text.slice(message.cseqValue, message.cseqEnd))?.[0].length ?? 0;
  return { start: message.cseqValue, end: message.cseqValue + digits, text: String(number) };
}

/** Raises the CSeq number of the current request by `shift`; replaces an earlier change of it. */
export function renumber({ message, edits }: Pick<MessageRun, 'message' | 'edits'>, shift: number): void {
  const edit = numberEdit(message, message.cseqNumber + shift);
  edits.drop(({ start, end }) => start === edit.start && end === edit.end);
  if (shift !== 0) edits.add(edit);
}

/** From now on the replies of a transaction get the CSeq number of the received request. */
export function restoreNumbers(request: SipMessage, transaction: TransactionState): void {
  const { cseqNumber } = request;
  transaction.filterReplies((reply) =>
    reply.cseqNumber === cseqNumber || reply.cseqValue < 0 ? [] : [numberEdit(reply, cseqNumber)],
  );
}
