import { createHash } from 'node:crypto';
import { ownText } from '../core/own-text.js';

/** Calls followed at a time; beyond that the oldest is removed. */
const MAX_CALLS = 20_000;
/** Milliseconds for which a transaction, and a dialog, is followed. */
const TRANSACTION_MS = 180_000;
const DIALOG_MS = 4 * 3_600_000;

/** Characters of the longest Call-ID that is used as key; a longer one is replaced by its hash. */
const LONGEST_KEY = 128;

function keyOf(callId: string): string {
  return callId.length <= LONGEST_KEY ? callId : createHash('sha256').update(callId).digest('base64');
}

interface Followed {
  /** The followed transaction, such as "1 INVITE"; undefined: the whole dialog. */
  readonly cseq: string | undefined;
  readonly until: number;
}

/** Calls, by Call-ID, that a script chose to send to the capture server. Bounded in number and time. */
export class FollowedCalls {
  private readonly calls = new Map<string, Followed>();

  /** Follows one transaction of a call, given by its CSeq, or the whole dialog (undefined). `now` in milliseconds. */
  follow(callId: string, cseq: string | undefined, now: number): void {
    const key = keyOf(callId);
    const known = this.calls.get(key);
    // A followed dialog is not reduced to a transaction.
    if (known !== undefined && known.cseq === undefined && known.until > now) return;
    this.calls.delete(key);
    const until = now + (cseq === undefined ? DIALOG_MS : TRANSACTION_MS);
    this.calls.set(ownText(key), { cseq: cseq === undefined ? undefined : ownText(cseq), until });
    if (this.calls.size > MAX_CALLS) this.calls.delete(this.calls.keys().next().value as string);
  }

  /** @internal The keys of the followed calls. */
  get keys(): Iterable<string> {
    return this.calls.keys();
  }

  /** Whether a message belongs to a followed call. */
  wants(callId: string, text: string, now: number): boolean {
    const key = keyOf(callId);
    const known = this.calls.get(key);
    if (known === undefined) return false;
    if (known.until <= now) {
      this.calls.delete(key);
      return false;
    }
    return known.cseq === undefined || cseqOf(text) === known.cseq;
  }
}

/** The CSeq of a message that is not parsed, such as "1 INVITE"; '' without one. */
export function cseqOf(text: string): string {
  const [, number = '', method = ''] =
    /\r\nCSeq[ \t]*:[ \t]*([0-9]{1,10})[ \t]+([A-Z]{1,32})/i.exec(text.slice(0, 16_384)) ?? [];
  return number === '' ? '' : `${number} ${method}`;
}
