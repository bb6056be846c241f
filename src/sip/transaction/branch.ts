import { number30, text30 } from '../../core/mix.js';
import type { Random } from '../../core/random.js';
import { hashCallId } from '../call-id-hash.js';
import type { SipMessage } from '../message.js';

/** Branch parameter of a Via of ours, and what a reply to it must carry besides. */
export interface BranchId {
  /** The whole parameter: the prefix of this process, 120 random bits in 24 digits, and a hash for loop detection. */
  readonly text: string;
  /** The first 30 and the next 30 of the random bits: the transaction is found by them. */
  readonly low: number;
  readonly high: number;
  /** The other 60 random bits. */
  readonly third: number;
  readonly fourth: number;
  /** The hash for loop detection. */
  readonly loop: string;
  /** The rest of the random bits and the Call-ID in 32 bits, for the record kept of an ended transaction. */
  readonly check: number;
  /** The Call-ID in 32 bits. */
  readonly callId: number;
}

/** Digits of the random part. */
const DIGITS = 24;

/** What the branches of processes that serve the same sockets begin with. */
export interface BranchIdentity {
  /** Eight characters, the same for all of them. */
  readonly token: string;
  /** A character, for each of them another. */
  readonly marker: string;
}

/** Makes branches, and reads them back from replies. */
export class Branches {
  /** Start of every branch of this process. */
  readonly prefix: string;
  /** Start of every branch of the processes that serve the same sockets. */
  readonly shared: string;

  constructor(
    private readonly random: Random,
    identity?: BranchIdentity,
  ) {
    // Never the same twice, over all processes (RFC 3261 section 8.1.1.7).
    this.shared = `z9hG4bK${identity?.token ?? random.token(8)}`;
    this.prefix = `${this.shared}${identity?.marker ?? ''}.`;
  }

  /**
   * A branch that cannot be guessed from any other. `loopHash` distinguishes a loop from a spiral when the request
   * comes back (RFC 3261 section 16.6 step 8). `of`: the message whose Call-ID is sent, or a Call-ID.
   */
  make(loopHash: string, of: string | SipMessage): BranchId {
    const { random } = this;
    const [low, high, third, fourth] = [random.uint32(), random.uint32(), random.uint32(), random.uint32()];
    const digits = text30(low >>> 2) + text30(high >>> 2) + text30(third >>> 2) + text30(fourth >>> 2);
    const call = typeof of === 'string' ? hashCallId(of).a : of.callIdA;
    return {
      text: `${this.prefix}${digits}.${loopHash}`,
      low: low >>> 2,
      high: high >>> 2,
      third: third >>> 2,
      fourth: fourth >>> 2,
      loop: loopHash,
      check: checkOf(third >>> 2, fourth >>> 2, call),
      callId: call,
    };
  }

  /** Where the random digits of a reply's top Via begin; -1 when its branch is not of this form and this process. */
  digitsIn(reply: SipMessage): number {
    const at = reply.via?.branchStart ?? 0;
    if (at === 0 || !reply.text.startsWith(this.prefix, at)) return -1;
    const digits = at + this.prefix.length;
    return reply.text.charCodeAt(digits + DIGITS) === 46 ? digits : -1;
  }

  /** Where the first branch of ours in a text begins, and its random digits; undefined when there is none. */
  find(text: string): { readonly start: number; readonly digits: number } | undefined {
    const start = text.indexOf(this.prefix);
    const digits = start + this.prefix.length;
    return start < 0 || text.charCodeAt(digits + DIGITS) !== 46 ? undefined : { start, digits };
  }

  /** The character that names the process whose branch stands first in a text, where that is another one of those that serve the same sockets. */
  strangerIn(text: string): string | undefined {
    const start = text.indexOf(this.shared);
    if (start < 0 || text.startsWith(this.prefix, start)) return undefined;
    return text[start + this.shared.length];
  }

  /** `BranchId.check` of a reply. */
  checkOf(reply: SipMessage, digits: number): number {
    return checkOf(number30(reply.text, digits + 12), number30(reply.text, digits + 18), reply.callIdA);
  }
}

/**
 * Whether a branch whose random digits begin at `digits`, and which has `length` characters, is this one; what stands before the digits
 * has been compared. Numbers are compared, since the text of a branch is put together from pieces that a comparison would have to copy.
 */
export function isBranch(branch: BranchId, text: string, digits: number, length: number): boolean {
  return (
    length === branch.text.length &&
    number30(text, digits) === branch.low &&
    number30(text, digits + 6) === branch.high &&
    number30(text, digits + 12) === branch.third &&
    number30(text, digits + 18) === branch.fourth &&
    text.startsWith(branch.loop, digits + DIGITS + 1)
  );
}

/** The part of a branch the transaction is found by; -1 when these are no digits. */
export function lowOf(text: string, digits: number): number {
  return number30(text, digits);
}

/** The upper half of the number in a branch whose digits begin here; -1 when there is none. */
export function highOf(text: string, digits: number): number {
  return number30(text, digits + 6);
}

function checkOf(third: number, fourth: number, callId: number): number {
  return (Math.imul(third, 0x9e3779b1) ^ (fourth << 2) ^ callId) | 0;
}
