import type { MessageRun } from '../../script/call.js';
import type { TransactionState } from '../../script/state.js';
import type { SipMessage } from '../../sip/message.js';
import type { TextEdit } from '../../sip/reply.js';

/** Requests of one side whose shift is remembered: an ACK has the number of its INVITE. */
const MOST_KEPT = 16;

/**
 * By how much the numbers (CSeq) of one side are raised on the way to the other: requests of our own within the dialog have used
 * numbers that the side does not know of (RFC 3261 section 12.2.1.1: they grow by one for each request).
 */
export class Numbers {
  /** What is added to further requests. */
  shift = 0;
  private readonly kept = new Map<number, number>();

  /** What is added to the number of a request. */
  of(method: string, number: number): number {
    const known = this.kept.get(number);
    if (known !== undefined) return known;
    // Its INVITE left before the first request of ours.
    if (method === 'ACK') return 0;
    if (this.shift > 0) this.keep(number, this.shift);
    return this.shift;
  }

  /** A request leaves once more with a number of its own: its ACK will have that too. */
  raise(number: number): void {
    this.shift++;
    this.keep(number, this.shift);
  }

  private keep(number: number, shift: number): void {
    this.kept.set(number, shift);
    if (this.kept.size <= MOST_KEPT) return;
    const [oldest] = this.kept.keys();
    if (oldest !== undefined) this.kept.delete(oldest);
  }
}

/** The number in CSeq of a message becomes another. */
function numberEdit(message: SipMessage, number: number): TextEdit {
  const digits = /^\d*/.exec(message.text.slice(message.cseqValue, message.cseqEnd))?.[0].length ?? 0;
  return { start: message.cseqValue, end: message.cseqValue + digits, text: String(number) };
}

/** The request at hand leaves with a number that is `shift` above its own; an earlier change of it is taken back. */
export function renumber({ message, edits }: Pick<MessageRun, 'message' | 'edits'>, shift: number): void {
  const edit = numberEdit(message, message.cseqNumber + shift);
  edits.drop(({ start, end }) => start === edit.start && end === edit.end);
  if (shift !== 0) edits.add(edit);
}

/** Replies get the number of the request as it came. */
export function restoreNumbers(request: SipMessage, transaction: TransactionState): void {
  const { cseqNumber } = request;
  transaction.filterReplies((reply) =>
    reply.cseqNumber === cseqNumber || reply.cseqValue < 0 ? [] : [numberEdit(reply, cseqNumber)],
  );
}
