import type { SipUri } from '../core/uri.js';
import type { Destination, ResolvedAddress } from '../engine/destination.js';
import type { FlowTarget } from '../sip/local-sockets.js';
import type { SipMessage } from '../sip/message.js';
import type { TextEdit } from '../sip/reply.js';
import type { ResolvedTarget } from '../sip/target.js';
import type { ServerTransaction } from '../sip/transaction/server.js';
import type { SipSocket, Source } from '../sip/transport/transport.js';

/** One target a request may be forwarded to. */
export interface NextHop {
  /** SIP URI to send to; ignored when `address` is given. */
  readonly uri: string;
  /** Request-URI to write; undefined leaves the received one as it is, byte for byte. */
  readonly requestUri?: string | undefined;
  /** Address that was resolved when the table was loaded; then no lookup is needed now. */
  readonly address?: ResolvedAddress | undefined;
  /** Socket to send from; undefined: chosen by transport and address family. */
  readonly socket?: SipSocket | undefined;
  /**
   * Connection to send through, whatever the URI resolves to; set when a flow token in our Record-Route named the
   * connection.
   */
  readonly flow?: FlowTarget | undefined;
  /** The destination this hop was made from, for marking and counting; undefined for a plain URI. */
  readonly destination?: Destination | undefined;
  /**
   * Tags in the token of the dialog this request belongs to (`RecordedDialog.tags`); '' for a dialog without a token of
   * ours; undefined for a request that may begin a dialog.
   */
  readonly dialogTags?: string | undefined;
  /** Changes to the request on this branch only. */
  readonly edits?: readonly TextEdit[] | undefined;
  /** Max-Forwards for a request that came without one; default 70. */
  readonly maxForwards?: number | undefined;
}

/**
 * Makes a hop without a destination. All code that makes a hop for each message lists all fields in this order: V8
 * reads objects of one shape fastest.
 */
export function plainHop(
  uri: string,
  requestUri?: string,
  socket?: SipSocket,
  flow?: FlowTarget,
  dialogTags?: string,
): NextHop {
  return {
    uri,
    requestUri,
    address: undefined,
    socket,
    flow,
    destination: undefined,
    dialogTags,
    edits: undefined,
    maxForwards: undefined,
  };
}

/** Why a destination did not take a request. */
export interface HopFailure {
  /** Final status code; 408 for a timeout, 503 for a transport error. */
  readonly code: number;
  /** Whether this proxy generated the code because no final reply was received. */
  readonly local: boolean;
  readonly cause?: string | undefined;
}

/** A reply that this proxy generates. `headers` are complete lines. */
export interface LocalReply {
  readonly code: number;
  readonly reason: string;
  readonly headers?: string;
}

/** What decided where a request is sent, for call records. */
export interface RouteOrigin {
  /** Pointer of the rule ("/routing/0"), "script" for a route script, "dialog" for a route recorded earlier. */
  readonly rule: string;
  readonly partition?: string | undefined;
  /** Sets from which a destination was selected, in order. */
  readonly sets?: readonly number[] | undefined;
  readonly algorithm?: number | undefined;
  /** Why nothing was selected. */
  readonly failure?: string | undefined;
}

/**
 * The proxy follows a redirection: Contacts of the reply are among the next hops. The reply itself is not sent to the
 * caller, but `left` may be: the same reply with the Contacts that are not tried here (RFC 3261 section 16.7 step 4).
 */
export interface Followed {
  readonly followed: true;
  readonly left: SipMessage | undefined;
}

/**
 * What happens after a failure: true or `Followed` tries the next hop, false sends the best reply so far, a
 * `LocalReply` is sent as it is.
 */
export type AfterFailure = boolean | LocalReply | Followed;

/**
 * How a request is relayed: its hops in order, and what happens after a failure. The router makes one plan for each
 * request. The proxy calls the plan; the plan never calls the proxy.
 */
export interface RelayPlan {
  /** The next hop to try, or several to be tried in parallel (forking); undefined when none is left. */
  next(): NextHop | readonly NextHop[] | undefined;
  /** A hop failed; `reply` is the final reply received, if any. Not called for a request that was cancelled. */
  failed(hop: NextHop, failure: HopFailure, reply?: SipMessage): AfterFailure | Promise<AfterFailure>;
  /**
   * A hop ended without having failed: none of its addresses is allowed, or another hop tried in parallel sent a 6xx.
   * Decides as `failed` does; absent: the next hop is tried.
   */
  withdrawn?(hop: NextHop): AfterFailure | Promise<AfterFailure>;
  /** The caller sent CANCEL: called at once, before the pending branches have ended. */
  callerGaveUp?(): void;
  /** A branch of a cancelled request has ended. If a reply is returned, the caller gets that one. */
  cancelled?(hop: NextHop, failure: HopFailure, reply?: SipMessage): AfterFailure | Promise<AfterFailure>;
  /**
   * A reply above 100 was received from a hop. Returns the reply to forward: the same one or one made from it.
   * Undefined drops a provisional reply.
   */
  reply?(hop: NextHop, reply: SipMessage, target: ResolvedTarget): SipMessage | undefined;
  /** A hop sent a provisional reply, or a final reply that is not a failure. */
  answered?(hop: NextHop, code: number): void;
  /** The caller got its final reply, or will get none (408 of a non-INVITE request): the plan is no longer needed. */
  ended?(code: number): void;
  /** Whether blacklists allow sending to an address; absent: every address is allowed. */
  allowed?(address: ResolvedAddress): boolean;
  /**
   * Whether another process may carry out the plan: it has no methods but `next`, `failed`, `ended` and `allowed`, all
   * of them answer synchronously, and none reads a reply. Absent: false.
   */
  readonly portable?: boolean | undefined;
  /** What made the plan; absent: not known. */
  readonly origin?: RouteOrigin | undefined;
  /** Whether later requests of the dialog pass through this proxy (RFC 3261 section 16.6 step 4). */
  readonly recordRoute: boolean;
  /** Changes to the request on every branch: header fields appended and removed, Route values removed. */
  readonly edits: readonly TextEdit[];
  /** Reply to the caller when the plan has no hops. */
  readonly noHop: { readonly code: number; readonly reason: string };
}

/** What to do with a request. */
export type RouteDecision =
  | { readonly kind: 'relay'; readonly plan: RelayPlan }
  /** Forwarded without a transaction. */
  | {
      readonly kind: 'stateless';
      readonly hop: NextHop;
      readonly recordRoute: boolean;
      readonly edits: readonly TextEdit[];
      readonly origin?: RouteOrigin | undefined;
    }
  /** Answered by the proxy itself. */
  | ({ readonly kind: 'reply'; readonly origin?: RouteOrigin } & LocalReply)
  /** Another component answers through the server transaction that `route` gave it. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'drop' };

/** A request as a router gets it. */
export interface RoutedRequest {
  readonly message: SipMessage;
  readonly source: Source;
  /**
   * Request-URI to route by: the received one, or the last Route value when a strict router sent the request (RFC 3261
   * section 16.4).
   */
  readonly requestUri: string;
  /**
   * Our own Route URI that a strict router had moved into the request-URI; undefined when no strict router sent the
   * request. `message` is corrected already: it is what a loose router would have sent, without this Route value.
   */
  readonly strictRoute?: SipUri | undefined;
  /** Creates the server transaction early, for routers that answer later. */
  transaction(): ServerTransaction;
}

/** The hop of an ACK for a 2xx. */
export interface AckRoute {
  readonly hop: NextHop;
  /**
   * Whether the ACK follows the Route of a dialog. Its INVITE was then forwarded with state, so the ACK needs no branch
   * that equals the INVITE's.
   */
  readonly inDialog?: boolean;
  readonly edits: readonly TextEdit[];
}

/** Decides where requests are sent: compiled rules, or a route script. */
export interface Router {
  /** Whether the router also receives requests with Max-Forwards 0; otherwise the proxy answers them with 483. */
  readonly checksMaxForwards?: boolean;
  /** Whether asynchronous decisions arrive within milliseconds; then no 100 is sent before the decision. */
  readonly decidesSoon?: boolean;
  /** Called for every request but ACK and CANCEL. Must not block. */
  route(request: RoutedRequest): RouteDecision | Promise<RouteDecision>;
  /** Routes an ACK for a 2xx; undefined drops it. */
  routeAck(request: RoutedRequest): AckRoute | undefined | Promise<AckRoute | undefined>;
}
