import type { SipMessage } from '../sip/message.js';
import { withChallenges } from './forward.js';
import { failureRank } from './preference.js';

/**
 * The failures of one request so far. The best of them is the reply to the caller if no hop accepts the call (RFC 3261
 * section 16.7 step 6). Created at the first failure; most requests have none.
 */
export class Failures {
  /** Code of the best failure; 0 when there is none. */
  code = 0;
  /** A redirection (3xx). It takes precedence over failures until it is followed. */
  redirection: SipMessage | undefined = undefined;
  private reply: SipMessage | undefined = undefined;
  /** Replies that ask for credentials. */
  private challenges: SipMessage[] | undefined = undefined;

  /**
   * Keeps the better of two failures: 6xx first, then the lowest class, then a code that the caller can act upon. A
   * received reply is preferred to a generated one.
   */
  keep(code: number, reply: SipMessage | undefined): void {
    if (code < 400) {
      this.redirection ??= reply;
      return;
    }
    if (reply !== undefined && (code === 401 || code === 407)) this.challenges = [...(this.challenges ?? []), reply];
    const better =
      this.code === 0 ||
      this.code === 473 ||
      (this.code === 480 && this.reply === undefined) ||
      failureRank(code) < failureRank(this.code) ||
      (this.reply === undefined && reply !== undefined && failureRank(code) === failureRank(this.code));
    if (!better) return;
    this.code = code;
    this.reply = reply;
  }

  /** A failure after the caller sent CANCEL: the caller expects 487, whatever an earlier hop replied. */
  keepCancelled(code: number, reply: SipMessage | undefined): void {
    this.redirection = undefined;
    if (reply !== undefined && code !== 487) this.keep(code, reply);
    else if (this.code !== 487 || reply !== undefined) {
      this.reply = reply;
      this.code = 487;
    }
  }

  /** A hop was skipped because nothing may be sent to it; its code counts only when nothing else failed. */
  skipped(code: number): void {
    if (this.code === 0) this.code = code;
  }

  /**
   * The received reply to forward to the caller; undefined when this proxy has to generate one. That is so for a 503
   * (one server's 503 does not mean that this proxy is unavailable) and for the 408 of a non-INVITE request (it would
   * arrive too late).
   */
  toPassOn(invite: boolean): SipMessage | undefined {
    const { code } = this;
    if (this.redirection !== undefined && code < 600) return this.redirection;
    if (code === 503 || (code === 408 && !invite)) return undefined;
    return code === 401 || code === 407 ? withChallenges(this.reply, this.challenges) : this.reply;
  }
}
