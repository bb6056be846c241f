import type { SipMessage } from '../sip/message.js';
import type { ClientFailure, ClientTransaction, ClientUser, InviteClient } from '../sip/transaction/client.js';
import type { DerivedForm } from '../sip/transaction/derived.js';
import type { SipSocket } from '../sip/transport/transport.js';
import type { CallHop } from './calls.js';
import type { BranchState, TransactionState } from './state.js';

/** Receives the events of a branch. */
export interface BranchListener {
  /** Header lines of the CANCEL on timeout. */
  readonly timeoutLines: string;
  readonly derivedForm: DerivedForm;
  /** Whether ICMP errors are ignored, as Kamailio does. */
  readonly ignoresIcmp: boolean;
  replied(branch: TxBranch, reply: SipMessage): void;
  failed(branch: TxBranch, timedOut: boolean): void;
  late(branch: TxBranch, reply: SipMessage): void;
}

/** One branch of a transaction: its request, target and result. */
export class TxBranch implements ClientUser, BranchState {
  client: ClientTransaction | undefined = undefined;
  /** Status received last, or set by this proxy: 408 when no final reply came in time. */
  status = 0;
  /** The final reply; undefined when the final status was generated here. */
  reply: SipMessage | undefined = undefined;
  /** Whether the final status was generated here. */
  local = false;
  /** Whether no final reply came in time. */
  timedOut = false;
  /** Why the request could not be sent or got no final reply; for call records. */
  cause: ClientFailure['cause'] | 'cancelled' | undefined = undefined;
  /** Whether a failure route has handled the final status already; then the reply is not a candidate for the best. */
  dropped = false;
  replyRoute: string | undefined = undefined;
  branchFailureRoute: string | undefined = undefined;
  /**
   * Failure route that was armed (t_on_failure) when the branch was created. Kamailio runs it when this branch has the
   * best reply.
   */
  failureRoute: string | undefined = undefined;
  flags = 0;
  /** The target as call records name it. */
  hop: CallHop | undefined = undefined;
  cancelled = false;
  /** Whether a reply was received and handled. */
  replied = false;

  constructor(
    /** The transaction it belongs to. */
    readonly transaction: BranchListener & TransactionState,
    readonly index: number,
    readonly requestUri: string,
    readonly destinationUri: string | undefined,
    readonly socket: SipSocket | undefined,
  ) {}

  get timeoutLines(): string {
    return this.transaction.timeoutLines;
  }

  get ignoresIcmp(): boolean {
    return this.transaction.ignoresIcmp;
  }

  get derivedForm(): DerivedForm {
    return this.transaction.derivedForm;
  }

  /** Whether the branch has no final status yet. */
  get pending(): boolean {
    return this.status < 200;
  }

  onReply(_client: ClientTransaction, reply: SipMessage): void {
    this.transaction.replied(this, reply);
  }

  onLate(reply: SipMessage): void {
    this.transaction.late(this, reply);
  }

  onFailure(_client: ClientTransaction, failure: ClientFailure): void {
    this.cause = failure.cause;
    this.transaction.failed(this, failure.kind === 'timeout');
  }

  /** `early`: the CANCEL does not wait for a provisional reply. */
  cancel(lines: string, early = false): void {
    if (this.cancelled || !this.pending) return;
    this.cancelled = true;
    const { client } = this;
    if (client?.invite === true) (client as InviteClient).cancel(lines, early);
  }

  /** Sends the INVITE no more, without a CANCEL. */
  abandon(lines: string): void {
    this.cancelled = true;
    const { client } = this;
    if (client?.invite === true) (client as InviteClient).abandon(lines);
  }
}
