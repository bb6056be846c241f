import type { SipMessage } from '../sip/message.js';
import { socketOfRequest } from '../sip/transport/native/steering.js';
import type { CallClaims } from './call-claims.js';
import type { RequestClaims } from './request-claims.js';

/** Says which process a request belongs to: 0 is the brain. */
export interface RequestOwners {
  owner(request: SipMessage): number;
}

/** The worker that new requests go to as long as it has room. */
export const FIRST_WORKER = 1;

/** Requests belong to workers by their Call-ID alone, but for the calls that were claimed. */
export class EvenOwners implements RequestOwners {
  constructor(
    private readonly workers: number,
    private readonly claims: CallClaims | undefined,
  ) {}

  /** The worker that has claimed the call, else the one that a hash of the Call-ID names. */
  owner({ toTag, callId }: SipMessage): number {
    const claimed = toTag === '' ? undefined : this.claims?.owner(callId);
    return claimed ?? socketOfRequest(callId, this.workers);
  }
}

/**
 * A request within a call belongs to who keeps that, where it is known; else a request belongs to who has its transaction; else to the worker that `next`
 * names, which is entered for what comes after it. The call comes first: the callee counts its own CSeq, and its BYE may have the number of an INVITE that
 * another worker refused; but the ACK of that one belongs there.
 */
export class ClaimingOwners implements RequestOwners {
  constructor(
    private readonly requests: RequestClaims,
    private readonly claims: CallClaims | undefined,
    private readonly next: (callId: string) => number,
  ) {}

  /** The process that has the request or its call; else a worker for new requests, which is entered as its owner. */
  owner({ toTag, callId, cseqNumber, method }: SipMessage): number {
    const claims = toTag === '' ? undefined : this.claims;
    const keeper = claims?.entered(callId);
    const known = this.requests.find(callId, cseqNumber);
    if (known !== 0) return method === 'ACK' ? known : (keeper ?? known);
    const worker = keeper ?? claims?.ofOthers ?? this.next(callId);
    // What has no transaction of its own cannot have copies.
    if (worker === 0 || method === 'ACK' || method === 'CANCEL') return worker;
    const first = this.requests.claim(callId, cseqNumber, worker);
    return keeper ?? first;
  }
}
