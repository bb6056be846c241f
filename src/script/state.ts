import type { Position } from '../cfg/ast.js';
import type { CompiledRoute, ScriptRun } from '../cfg/runtime.js';
import type { SipMessage } from '../sip/message.js';
import type { TextEdit } from '../sip/reply.js';
import type { ClientTransaction } from '../sip/transaction/client.js';
import type { ServerTransaction } from '../sip/transaction/server.js';
import type { Source } from '../sip/transport/transport.js';

/** One branch of a transaction, as functions and variables see it. */
export interface BranchState {
  readonly index: number;
  readonly client: ClientTransaction | undefined;
  /** Request-URI it was sent with. */
  readonly requestUri: string;
  /** $du it was sent with. */
  readonly destinationUri: string | undefined;
  /** Last status that came, or that was set here: 408 when nothing came in time. */
  readonly status: number;
  /** The final reply; undefined for one generated locally. */
  readonly reply: SipMessage | undefined;
  /** Whether the final status was generated locally. */
  readonly local: boolean;
  readonly timedOut: boolean;
  /** A reply came and was dealt with. */
  readonly replied: boolean;
  /** It is no longer a candidate for the best reply. */
  dropped: boolean;
  flags: number;
  /** Cancels it. `lines` are header lines of the CANCEL. */
  cancel(lines: string): void;
}

/** Where replies of a branch come from; those of one that was never sent have the socket of the request alone. */
export function sourceOfReplies({ client }: BranchState, request: Source): Source {
  const { socket = request.socket, address = '', port = 0 } = client?.target ?? {};
  return { socket, address, port, flow: undefined };
}

/** Follows what goes to the caller. Must not throw. `reply` is undefined for one generated here. */
export interface TransactionWatcher {
  /** A branch of the request leaves, as `text` says. */
  left?(text: string): void;
  /** A provisional or final reply was sent to the caller. */
  passed?(status: number, reason: string, reply: SipMessage | undefined): void;
  /** No branch is waited for any more and the best has failed: before the failure route. Once for each leg. */
  failing?(status: number, reason: string, reply: SipMessage | undefined): void;
  /** The caller has its final reply, or gets none (408). Called once. */
  ended?(status: number, reply: SipMessage | undefined): void;
}

/** Changes of one reply. */
export type ReplyFilter = (reply: SipMessage) => readonly TextEdit[];

/** A transaction, as functions and variables see it. */
export interface TransactionState {
  readonly branches: readonly BranchState[];
  readonly server: ServerTransaction;
  readonly invite: boolean;
  /** Final status the caller got; 0 while it has none. */
  readonly final: number;
  /** Last status that went to the caller. */
  readonly lastStatus: number;
  /** Branches before this index are of earlier legs. */
  readonly legStart: number;
  /** The branch whose final reply came last. */
  readonly decisive: object | undefined;
  /** A route found no way to go on. */
  relayFailed: boolean;
  cancelled: boolean;
  /** Replies here. False when the caller has its final reply. */
  reply(code: number, reason: string, lines?: string, body?: string): boolean;
  cancelBranches(lines: string): void;
  /** Gives up branches on which nothing came. */
  cancelSilent(): void;
  /** The caller has its final reply, or gets none. */
  ended(code: number, reply?: SipMessage): void;
  /** Runs a route as a failure route, for a request that a script had put aside; what it does not send or answer is answered with 500. */
  resumeWith(route: (run: ScriptRun) => number | Promise<number>): Promise<void> | undefined;
  /** From now on this is called for what goes to the caller. */
  watch(watcher: TransactionWatcher): void;
  /** From now on the replies of all branches are changed so before anything else sees them; `late`, when reply routes have seen them. */
  filterReplies(filter: ReplyFilter, late?: boolean): void;
}

/** What async() or launch() has begun, and the route that goes on when it is done. */
export interface Suspension {
  readonly kind: 'async' | 'launch';
  readonly at: Position;
  readonly done: number | Promise<number>;
  readonly resume: CompiledRoute | undefined;
}

/** Why t_relay() sent nothing. `code` is what the originals return; `status` and `reason` what tm answers by itself. */
export interface RelayFault {
  readonly code: number;
  readonly status: number;
  readonly reason: string;
  /** Host, and port if one was given, that it was to be sent to, for the call record. */
  readonly nextHop?: string | undefined;
}
