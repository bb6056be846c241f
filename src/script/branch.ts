import type { SipMessage } from '../sip/message.js';
import type { ClientFailure, ClientTransaction, ClientUser, InviteClient } from '../sip/transaction/client.js';
import type { CancelForm } from '../sip/transaction/derived.js';
import type { SipSocket } from '../sip/transport/transport.js';
import type { CallHop } from './calls.js';
import type { BranchState } from './state.js';

/** Receives the events of a branch. */
export interface BranchListener {
  /** Header lines of the CANCEL on timeout. */
  readonly timeoutLines: string;
  readonly cancelForm: CancelForm;
  /** Kamailio looks at no ICMP message of UDP. */
  readonly ignoresIcmp: boolean;
  replied(branch: TxBranch, reply: SipMessage): void;
  failed(branch: TxBranch, timedOut: boolean): void;
}

/** One branch of a transaction: its request, its target and its result. */
export class TxBranch implements ClientUser, BranchState {
  client: ClientTransaction | undefined = undefined;
  /** Last status that came, or that was set here: 408 when nothing came in time. */
  status = 0;
  /** The final reply; undefined for one generated locally. */
  reply: SipMessage | undefined = undefined;
  /** Whether the final status was generated locally. */
  local = false;
  /** It timed out. */
  timedOut = false;
  /** Why its request could not be sent, or got no answer; for call records. */
  cause: ClientFailure['cause'] | 'cancelled' | undefined = undefined;
  /** Its final status was looked at by a failure route before. */
  dropped = false;
  replyRoute: string | undefined = undefined;
  branchFailureRoute: string | undefined = undefined;
  /** The failure route that was armed when it was made: what Kamailio runs when this branch is chosen. */
  failureRoute: string | undefined = undefined;
  flags = 0;
  /** What call records name it by. */
  hop: CallHop | undefined = undefined;
  cancelled = false;
  /** A reply came and was dealt with. */
  replied = false;

  constructor(
    private readonly transaction: BranchListener,
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

  get cancelForm(): CancelForm {
    return this.transaction.cancelForm;
  }

  /** Whether no final reply has come. */
  get pending(): boolean {
    return this.status < 200;
  }

  onReply(_client: ClientTransaction, reply: SipMessage): void {
    this.transaction.replied(this, reply);
  }

  onFailure(_client: ClientTransaction, failure: ClientFailure): void {
    this.cause = failure.cause;
    this.transaction.failed(this, failure.kind === 'timeout');
  }

  cancel(lines: string): void {
    if (this.cancelled || !this.pending) return;
    this.cancelled = true;
    const { client } = this;
    if (client?.invite === true) (client as InviteClient).cancel(lines);
  }
}
