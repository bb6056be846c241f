import type { SipMessage } from '../sip/message.js';
import { socketOfRequest } from '../sip/transport/native/steering.js';
import type { CallClaims } from './call-claims.js';
import type { RequestClaims } from './request-claims.js';

/** Decides to which process a request belongs: 0 is the brain. */
export interface RequestOwners {
  owner(request: SipMessage): number;
}

/** The worker that gets new requests as long as it has room. */
export const FIRST_WORKER = 1;

/** Assigns requests by Call-ID only, except for claimed calls. */
export class EvenOwners implements RequestOwners {
  constructor(
    private readonly workers: number,
    private readonly claims: CallClaims | undefined,
  ) {}

  /** The worker that has claimed the call, else the one that a hash of the Call-ID gives. */
  owner({ toTag, callId }: SipMessage): number {
    const claimed = toTag === '' ? undefined : this.claims?.owner(callId);
    return claimed ?? socketOfRequest(callId, this.workers);
  }
}

/**
 * A request inside a call belongs to the process that keeps the call, if known; another request to the process that has
 * its transaction; else to the worker that `next` returns, which is entered for later messages. The call is checked
 * first: the callee counts its own CSeq, so its BYE may have the number of an INVITE that another worker refused; only
 * the ACK of that INVITE belongs there.
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
    // Requests without a transaction of their own have no retransmissions to assign.
    if (worker === 0 || method === 'ACK' || method === 'CANCEL') return worker;
    const first = this.requests.claim(callId, cseqNumber, worker);
    return keeper ?? first;
  }
}
