import type { SipMessage } from '../sip/message.js';
import type { TextEdit } from '../sip/reply.js';
import type { Address } from '../sip/resolve.js';
import type { BranchId } from '../sip/transaction/branch.js';
import type { ClientFailure, ClientTransaction, ClientUser } from '../sip/transaction/client.js';
import type { NextHop } from './decision.js';

/** What a branch reports to: the response context it belongs to. */
export interface BranchOwner {
  /** A reply on a branch, current or given up. */
  replied(branch: RelayBranch, client: ClientTransaction, received: SipMessage): void;
  /** A branch got no final reply. */
  unanswered(branch: RelayBranch, client: ClientTransaction, failure: ClientFailure): void;
}

/** One hop a request is sent to: receives the events of its client transaction until that ends. */
export class RelayBranch implements ClientUser {
  client: ClientTransaction | undefined = undefined;
  /** Addresses of the hop that are still to be tried. */
  addresses: readonly Address[] = NO_ADDRESSES;
  ended = false;
  /** We cancelled it because of the result of another branch. */
  givenUp = false;

  /** Branch of our Via in what was sent last. */
  id: BranchId = NO_BRANCH;
  /** Address a request too large for UDP was sent to by TCP. */
  insteadOf: Address | undefined = undefined;
  /** Address a request too large for UDP was sent to by UDP. */
  byDatagram: Address | undefined = undefined;

  constructor(
    private readonly owner: BranchOwner,
    public hop: NextHop,
    /** Its part of Max-Breadth, beside other branches. */
    readonly breadth: TextEdit | undefined,
  ) {}

  onReply(client: ClientTransaction, reply: SipMessage): void {
    this.owner.replied(this, client, reply);
  }

  onFailure(client: ClientTransaction, failure: ClientFailure): void {
    this.owner.unanswered(this, client, failure);
  }

  /** Lets go of the transaction and the hop: nothing that comes later reaches this branch. */
  release(): void {
    this.ended = true;
    this.client = undefined;
    this.id = NO_BRANCH;
    this.hop = NO_HOP;
    this.addresses = NO_ADDRESSES;
  }
}

const NO_BRANCH: BranchId = { text: '', low: 0, high: 0, third: 0, fourth: 0, loop: '', check: 0, callId: 0 };
const NO_ADDRESSES: readonly Address[] = [];
const NO_HOP: NextHop = { uri: '' };
