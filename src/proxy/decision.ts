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
  /** Request-URI to write; undefined keeps the received one, byte for byte. */
  readonly requestUri?: string | undefined;
  /** Address resolved at load, so that nothing has to be resolved now. */
  readonly address?: ResolvedAddress | undefined;
  /** Socket to send from; undefined: chosen by transport and family. */
  readonly socket?: SipSocket | undefined;
  /** Connection to send through, whatever the URI resolves to: a flow token of our Record-Route named it. */
  readonly flow?: FlowTarget | undefined;
  /** The destination it stands for, for marking and counting; undefined for a plain URI. */
  readonly destination?: Destination | undefined;
  /** Inside a dialog: what its token says of it, '' for a dialog without one of ours; undefined where a dialog may begin. */
  readonly dialogTags?: string | undefined;
  /** Changes to the request on this branch only. */
  readonly edits?: readonly TextEdit[] | undefined;
  /** Max-Forwards for a request that came without one; default 70. */
  readonly maxForwards?: number | undefined;
}

/**
 * A hop without a destination. Hops are object literals with all fields in this order wherever one is made for each message: objects
 * of one shape are read without a search.
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
  /** Whether the code is our own: nothing (final) was received. */
  readonly local: boolean;
  readonly cause?: string | undefined;
}

/** A reply of our own. `headers` are complete lines. */
export interface LocalReply {
  readonly code: number;
  readonly reason: string;
  readonly headers?: string;
}

/** What decided where a request goes, for call records. */
export interface RouteOrigin {
  /** Pointer of the rule ("/routing/0"), "script" for a route script, "dialog" for a route recorded earlier. */
  readonly rule: string;
  readonly partition?: string | undefined;
  /** Sets that were asked for, in order. */
  readonly sets?: readonly number[] | undefined;
  readonly algorithm?: number | undefined;
  /** Why nothing was selected. */
  readonly failure?: string | undefined;
}

/**
 * A redirection is followed: Contacts of it are among the next hops. It is no longer a reply for the caller, except for
 * `left`: the same reply with the Contacts that are not tried here (RFC 3261 section 16.7 step 4).
 */
export interface Followed {
  readonly followed: true;
  readonly left: SipMessage | undefined;
}

/**
 * What follows a failure: the next hop is tried (true, or a redirection that is followed), the best reply so far is
 * sent (false), or this reply is sent.
 */
export type AfterFailure = boolean | LocalReply | Followed;

/**
 * How a request is relayed: its hops in order, and what follows a failure. Made by the router for one request; the
 * proxy calls the plan, the plan never calls the proxy.
 */
export interface RelayPlan {
  /** The next hop to try, or several to be tried in parallel (forking); undefined when none is left. */
  next(): NextHop | readonly NextHop[] | undefined;
  /** A hop failed; `reply` is the final reply received, if any. Not called for a request that was cancelled. */
  failed(hop: NextHop, failure: HopFailure, reply?: SipMessage): AfterFailure | Promise<AfterFailure>;
  /**
   * A hop is dropped without having failed: none of its addresses is allowed, or another hop of the same try sent a
   * 6xx. Decides as `failed` does; absent: the next hop is tried.
   */
  withdrawn?(hop: NextHop): AfterFailure | Promise<AfterFailure>;
  /** The caller gave up: called at once, before the active branch has ended. */
  callerGaveUp?(): void;
  /** The branch of a request that was cancelled has ended. A returned reply replaces its reply to the caller. */
  cancelled?(hop: NextHop, failure: HopFailure, reply?: SipMessage): AfterFailure | Promise<AfterFailure>;
  /**
   * A reply above 100 was received from a hop. Returns the reply to pass on: the same one or one made from it;
   * undefined drops it, if it is provisional.
   */
  reply?(hop: NextHop, reply: SipMessage, target: ResolvedTarget): SipMessage | undefined;
  /** A hop sent a provisional or final reply that is no failure. */
  answered?(hop: NextHop, code: number): void;
  /** The caller got its final reply, or will get none (408): this plan is no longer needed. */
  ended?(code: number): void;
  /** Whether an address may be sent to (blacklists); absent: every one. */
  allowed?(address: ResolvedAddress): boolean;
  /**
   * Whether another process may carry it out: it consists of `next`, `failed`, `ended` and `allowed` only, which answer at once and
   * look at no reply. Absent: it may not.
   */
  readonly portable?: boolean | undefined;
  /** What made the plan; absent: not known. */
  readonly origin?: RouteOrigin | undefined;
  /** Whether requests inside the dialog come back here (RFC 3261 section 16.6 step 4). */
  readonly recordRoute: boolean;
  /** Changes to the request on every branch: headers appended and removed, Route values taken out. */
  readonly edits: readonly TextEdit[];
  /** Reply to the caller when the plan has no hop at all. */
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
  /** Another component answers through the server transaction handed to `route`. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'drop' };

/** What a router is given. */
export interface RoutedRequest {
  readonly message: SipMessage;
  readonly source: Source;
  /** Request-URI to route by: the received one, or that from a strict router's Route (RFC 3261 section 16.4). */
  readonly requestUri: string;
  /**
   * Our own Route URI, if a strict router put it into the request-URI. This is undone already: the message is as a
   * loose router would have sent it, without that Route value. Undefined: it came from no strict router.
   */
  readonly strictRoute?: SipUri | undefined;
  /** Begins the server transaction early, for routers that answer later. */
  transaction(): ServerTransaction;
}

/** Where an ACK for a 2xx goes. */
export interface AckRoute {
  readonly hop: NextHop;
  /** Whether it goes by the Route of a dialog: its INVITE was not forwarded without state, so its branch need not be that one's. */
  readonly inDialog?: boolean;
  readonly edits: readonly TextEdit[];
}

/** Where requests go: compiled rules, or a route script. */
export interface Router {
  /** Whether the router also receives requests with Max-Forwards 0; otherwise the proxy answers them with 483. */
  readonly checksMaxForwards?: boolean;
  /** Whether decisions that come later come within milliseconds: a 100 then waits for them. */
  readonly decidesSoon?: boolean;
  /** Called for every request but ACK and CANCEL. Must not block. */
  route(request: RoutedRequest): RouteDecision | Promise<RouteDecision>;
  /** An ACK for a 2xx: where it goes, or undefined to drop it. */
  routeAck(request: RoutedRequest): AckRoute | undefined | Promise<AckRoute | undefined>;
}
