import type { Position } from '../cfg/ast.js';
import type { Resumption, ScriptRun } from '../cfg/runtime.js';
import type { SipMessage } from '../sip/message.js';
import type { TextEdit } from '../sip/reply.js';
import type { ClientTransaction } from '../sip/transaction/client.js';
import type { ServerTransaction } from '../sip/transaction/server.js';
import type { Source } from '../sip/transport/transport.js';

/** One branch of a transaction, as functions and variables see it. */
export interface BranchState {
  readonly index: number;
  readonly client: ClientTransaction | undefined;
  /** Request-URI the branch was sent with. */
  readonly requestUri: string;
  /** $du the branch was sent with. */
  readonly destinationUri: string | undefined;
  /** Status received last, or set by this proxy: 408 when no final reply came in time. */
  readonly status: number;
  /** The final reply; undefined when the final status was generated here. */
  readonly reply: SipMessage | undefined;
  /** Whether the final status was generated here. */
  readonly local: boolean;
  readonly timedOut: boolean;
  /** Whether the branch has no final status, neither received nor set here. */
  readonly pending: boolean;
  /** Whether a reply was received and handled. */
  readonly replied: boolean;
  /** Whether its reply is no longer a candidate for the best. */
  dropped: boolean;
  flags: number;
  /** Cancels the branch. `lines` are header lines of the CANCEL. */
  cancel(lines: string): void;
}

/** Source of the replies of a branch; a branch that was never sent has only the socket of the request. */
export function sourceOfReplies({ client }: BranchState, request: Source): Source {
  const { socket = request.socket, address = '', port = 0 } = client?.target ?? {};
  return { socket, address, port, flow: undefined };
}

/** Receives what is sent to the caller. Must not throw. `reply` is undefined when this proxy generated the reply. */
export interface TransactionWatcher {
  /** A branch of the request is sent as `text`. */
  left?(text: string): void;
  /** A provisional or final reply was sent to the caller. */
  passed?(status: number, reason: string, reply: SipMessage | undefined): void;
  /**
   * No branch is pending and the best reply is a failure: called before the failure route, once for each t_relay() that
   * failed.
   */
  failing?(status: number, reason: string, reply: SipMessage | undefined): void;
  /** The caller got its final reply, or gets none (408). Called once. */
  ended?(status: number, reply: SipMessage | undefined): void;
}

/** Returns edits for a reply. */
export type ReplyFilter = (reply: SipMessage) => readonly TextEdit[];

/**
 * Changes the messages of a call before they are sent, and may wait for that: a media proxy writes its addresses into
 * the SDP. Undefined when there is nothing to do. Must not throw.
 */
export interface MessageStep {
  /**
   * For each branch of a request after its branch route, and for an ACK; the edits of `run` are those of the branch.
   */
  request(run: ScriptRun): Promise<unknown> | undefined;
  /** For a reply after the reply routes. */
  reply(run: ScriptRun): Promise<unknown> | undefined;
}

/** A transaction, as functions and variables see it. */
export interface TransactionState {
  readonly branches: readonly BranchState[];
  readonly server: ServerTransaction;
  readonly invite: boolean;
  /** Final status that was sent to the caller; 0 while there is none. */
  readonly final: number;
  /** Status that was sent to the caller last. */
  readonly lastStatus: number;
  /**
   * Index of the first branch created by the current t_relay(); earlier branches have been handled by a failure route.
   */
  readonly legStart: number;
  /** The branch that got its final status last. */
  readonly lastFinalBranch: object | undefined;
  /** Whether the failure route is running. */
  readonly inFailureRoute: boolean;
  /** Whether a route tried to relay and could not. */
  relayFailed: boolean;
  /** Between t_suspend() and t_continue(): no reply of a gateway is forwarded, as recorded. */
  suspended: boolean;
  cancelled: boolean;
  /** Sends a reply generated here. False when the caller has a final reply already. */
  reply(code: number, reason: string, lines?: string, body?: string): boolean;
  /** The failure route that runs keeps the replies that failure_reply_mode would discard. */
  keepReplies(): void;
  cancelBranches(lines: string, but?: undefined, early?: string): void;
  /** Ends the branches on which no reply was received. */
  cancelSilent(): void;
  /** The caller got its final reply, or gets none. */
  ended(code: number, reply?: SipMessage): void;
  /**
   * Runs a route, as a failure route, for a request that a script had suspended. If the route neither relays nor
   * answers, the caller gets 500.
   */
  resumeWith(route: (run: ScriptRun) => number | Promise<number>): Promise<void> | undefined;
  /** Registers a watcher of what is sent to the caller. */
  watch(watcher: TransactionWatcher): void;
  /**
   * Registers a filter that changes the replies of all branches: before the reply routes, or with `late` after them.
   */
  filterReplies(filter: ReplyFilter, late?: boolean): void;
}

/** The operation that async() or launch() has started, and the route that runs when it is done. */
export interface Suspension {
  readonly kind: 'async' | 'launch';
  readonly at: Position;
  readonly done: number | Promise<number>;
  readonly resume: Resumption;
}

/**
 * Why t_relay() sent nothing. `code` is the return value, as in the originals; `status` and `reason` are the reply that
 * tm sends itself.
 */
export interface RelayFault {
  readonly code: number;
  readonly status: number;
  readonly reason: string;
  /** Host, and port if given, that could not be reached, for the call record. */
  readonly nextHop?: string | undefined;
}
