import { number30, text30 } from '../../core/mix.js';
import type { Random } from '../../core/random.js';
import { hashCallId } from '../call-id-hash.js';
import type { SipMessage } from '../message.js';

/** The branch parameter of one of our Vias, and the values that a reply to it is checked by. */
export interface BranchId {
  /** The whole parameter: the prefix of this process, 120 random bits in 24 digits, and the hash for loop detection. */
  readonly text: string;
  /** The first and second 30 random bits: the keys by which the transaction is found. */
  readonly low: number;
  readonly high: number;
  /** The other 60 random bits. */
  readonly third: number;
  readonly fourth: number;
  /** The hash for loop detection. */
  readonly loop: string;
  /** A 32-bit hash of the other random bits and the Call-ID, for the record of the ended transaction. */
  readonly check: number;
  /** A 32-bit hash of the Call-ID. */
  readonly callId: number;
}

/** Digits in which the random bits are written. */
const DIGITS = 24;

/** The beginning of the branches in a group of processes that serve the same sockets. */
export interface BranchIdentity {
  /** Eight characters, the same for the whole group. */
  readonly token: string;
  /** One character, different for each process. */
  readonly marker: string;
}

/** Creates branches, and recognises them in replies. */
export class Branches {
  /** The beginning of every branch of this process. */
  readonly prefix: string;
  /** The beginning of every branch of the group. */
  readonly shared: string;

  constructor(
    private readonly random: Random,
    identity?: BranchIdentity,
  ) {
    // A random token: no other process begins its branches with it (RFC 3261 section 8.1.1.7).
    this.shared = `z9hG4bK${identity?.token ?? random.token(8)}`;
    this.prefix = `${this.shared}${identity?.marker ?? ''}.`;
  }

  /**
   * Creates a branch that nobody can guess. `loopHash` distinguishes a loop from a spiral when the request comes back
   * (RFC 3261 section 16.6 step 8). `of`: the message to be sent, or its Call-ID.
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

  /** Where the random digits in a reply's top Via begin; -1 when this process did not make the branch. */
  digitsIn(reply: SipMessage): number {
    const at = reply.via?.branchStart ?? 0;
    if (at === 0 || !reply.text.startsWith(this.prefix, at)) return -1;
    const digits = at + this.prefix.length;
    return reply.text.charCodeAt(digits + DIGITS) === 46 ? digits : -1;
  }

  /**
   * The position of the first branch of this process in a text, and of its random digits; undefined when there is none.
   */
  find(text: string): { readonly start: number; readonly digits: number } | undefined {
    const start = text.indexOf(this.prefix);
    const digits = start + this.prefix.length;
    return start < 0 || text.charCodeAt(digits + DIGITS) !== 46 ? undefined : { start, digits };
  }

  /**
   * The marker of the group's process whose branch stands first in a text; undefined when it is this process or none.
   */
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
 * Whether the branch in `text` is this one: its random digits begin at `digits`, it has `length` characters, and its
 * prefix has been compared already. Numbers are compared, since comparing with `branch.text` would first copy its
 * pieces into one string.
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

/** The number in the first digits, the transaction's first key; -1 when these are no digits. */
export function lowOf(text: string, digits: number): number {
  return number30(text, digits);
}

/** The number in the next digits, the second key; -1 when these are no digits. */
export function highOf(text: string, digits: number): number {
  return number30(text, digits + 6);
}

function checkOf(third: number, fourth: number, callId: number): number {
  return (Math.imul(third, 0x9e3779b1) ^ (fourth << 2) ^ callId) | 0;
}
