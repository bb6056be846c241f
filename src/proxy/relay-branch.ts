import type { SipMessage } from '../sip/message.js';
import type { TextEdit } from '../sip/reply.js';
import type { Address } from '../sip/resolve.js';
import type { BranchId } from '../sip/transaction/branch.js';
import type { ClientFailure, ClientTransaction, ClientUser } from '../sip/transaction/client.js';
import type { NextHop } from './decision.js';

/** The response context a branch belongs to, which receives its events. */
export interface BranchOwner {
  /** A reply was received on a branch, even one that was given up. */
  replied(branch: RelayBranch, client: ClientTransaction, received: SipMessage): void;
  /** A branch ended without a final reply. */
  unanswered(branch: RelayBranch, client: ClientTransaction, failure: ClientFailure): void;
}

/** One hop that a request is sent to. Receives the events of its client transaction until that ends. */
export class RelayBranch implements ClientUser {
  client: ClientTransaction | undefined = undefined;
  /** Addresses of the hop that have not been tried yet. */
  addresses: readonly Address[] = NO_ADDRESSES;
  ended = false;
  /** This proxy cancelled the branch because of another branch's result. */
  givenUp = false;

  /** Branch parameter in our Via of the request sent last. */
  id: BranchId = NO_BRANCH;
  /** Address of a request too large for UDP that was sent by TCP; if TCP fails, UDP is tried. */
  insteadOf: Address | undefined = undefined;
  /** Address of a request too large for UDP that was sent by UDP after all. */
  byDatagram: Address | undefined = undefined;

  constructor(
    private readonly owner: BranchOwner,
    public hop: NextHop,
    /** Edit that sets this branch's part of Max-Breadth, when there are parallel branches. */
    readonly breadth: TextEdit | undefined,
  ) {}

  onReply(client: ClientTransaction, reply: SipMessage): void {
    this.owner.replied(this, client, reply);
  }

  onFailure(client: ClientTransaction, failure: ClientFailure): void {
    this.owner.unanswered(this, client, failure);
  }

  /** Drops the references to transaction and hop; later events do not reach this branch. */
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
