import { createHash } from 'node:crypto';
import { ownText } from '../core/own-text.js';

/** Calls followed at most; beyond them the one followed longest is forgotten. */
const MOST_CALLS = 20_000;
/** Milliseconds a transaction is followed, and a dialog. */
const TRANSACTION_MS = 180_000;
const DIALOG_MS = 4 * 3_600_000;

/** Characters of a Call-ID that is kept as it is; of a longer one a hash is kept. */
const LONGEST_KEY = 128;

function keyOf(callId: string): string {
  return callId.length <= LONGEST_KEY ? callId : createHash('sha256').update(callId).digest('base64');
}

interface Followed {
  /** "1 INVITE" of the only transaction that is followed; undefined: the whole dialog. */
  readonly cseq: string | undefined;
  readonly until: number;
}

/** Calls that a script has chosen for the capture server, by Call-ID. Bounded in number and time. */
export class FollowedCalls {
  private readonly calls = new Map<string, Followed>();

  /** Follows the transaction of a call, by its CSeq, or with undefined the whole dialog. `now` in milliseconds. */
  follow(callId: string, cseq: string | undefined, now: number): void {
    const key = keyOf(callId);
    const known = this.calls.get(key);
    // A dialog that is followed stays so.
    if (known !== undefined && known.cseq === undefined && known.until > now) return;
    this.calls.delete(key);
    const until = now + (cseq === undefined ? DIALOG_MS : TRANSACTION_MS);
    this.calls.set(ownText(key), { cseq: cseq === undefined ? undefined : ownText(cseq), until });
    if (this.calls.size > MOST_CALLS) this.calls.delete(this.calls.keys().next().value as string);
  }

  /** @internal What the calls are known by. */
  get keys(): Iterable<string> {
    return this.calls.keys();
  }

  /** Whether a message of a call is wanted. */
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

/** "1 INVITE" of a message that is not parsed; '' without one. */
export function cseqOf(text: string): string {
  const [, number = '', method = ''] =
    /\r\nCSeq[ \t]*:[ \t]*([0-9]{1,10})[ \t]+([A-Z]{1,32})/i.exec(text.slice(0, 16_384)) ?? [];
  return number === '' ? '' : `${number} ${method}`;
}
