import type { SipUri } from '../core/uri.js';
import type { Destination, ResolvedAddress } from '../engine/destination.js';
import type { FlowTarget } from '../sip/local-sockets.js';
import type { SipMessage } from '../sip/message.js';
import type { TextEdit } from '../sip/reply.js';
import type { ResolvedTarget } from '../sip/target.js';
import type { ServerTransaction } from '../sip/transaction/server.js';
import type { SipSocket, Source } from '../sip/transport/transport.js';

/** One place a request may be forwarded to. */
export interface NextHop {
  /** SIP URI that is dialled; not looked at when `address` is given. */
  readonly uri: string;
  /** Request-URI to write; undefined leaves the one that came, byte for byte. */
  readonly requestUri?: string | undefined;
  /** Address found out at load, so that nothing need be resolved now. */
  readonly address?: ResolvedAddress | undefined;
  /** Socket to send from; undefined: chosen by transport and family. */
  readonly socket?: SipSocket | undefined;
  /** Connection to send through, whatever the URI resolves to: a flow token of our Record-Route named it. */
  readonly flow?: FlowTarget | undefined;
  /** The destination it stands for, for marking and counting; undefined for a plain URI. */
  readonly destination?: Destination | undefined;
  /** Changes to the request on this branch only. */
  readonly edits?: readonly TextEdit[] | undefined;
  /** Max-Forwards for a request that came without one; default 70. */
  readonly maxForwards?: number | undefined;
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
 * Places a redirection named are among those that come next: it is no answer to the caller any more, but for what is `left`
 * of it, the Contacts that are not tried here (RFC 3261 section 16.7 step 4).
 */
export interface Followed {
  readonly followed: true;
  readonly left: SipMessage | undefined;
}

/**
 * What follows a failure: the next place is tried (true, or a redirection that is followed), the best reply so far is given
 * (false), or this reply is.
 */
export type AfterFailure = boolean | LocalReply | Followed;

/**
 * How a request is relayed: where to, one after the other, and what a failure means. Made by the router for one
 * request; the proxy asks it, it never asks the proxy.
 */
export interface RelayPlan {
  /** The next place to try, or several to be tried at once (forking); undefined when there is none left. */
  next(): NextHop | readonly NextHop[] | undefined;
  /** A place did not take it; `reply` is the final reply that came, if any. Not called for a request that was cancelled. */
  failed(hop: NextHop, failure: HopFailure, reply?: SipMessage): AfterFailure | Promise<AfterFailure>;
  /**
   * A place is out without having failed: no address of it may be sent to, or another of the same try refused for all.
   * Decides as `failed` does; absent: the next place is tried.
   */
  withdrawn?(hop: NextHop): AfterFailure | Promise<AfterFailure>;
  /** The caller gave up: told at once, before the branch under way has ended. */
  callerGaveUp?(): void;
  /** The branch of a request that was cancelled has ended. A reply that is returned goes to the caller in place of its own. */
  cancelled?(hop: NextHop, failure: HopFailure, reply?: SipMessage): AfterFailure | Promise<AfterFailure>;
  /**
   * A reply above 100 came from a place. Returns it as it is to be passed on: itself or one made of it; undefined drops
   * it, if it is provisional.
   */
  reply?(hop: NextHop, reply: SipMessage, target: ResolvedTarget): SipMessage | undefined;
  /** A place answered at all: a provisional or final reply that is no failure. */
  answered?(hop: NextHop, code: number): void;
  /** The caller got its final reply, or none will come (408): nothing of this plan is needed any more. */
  ended?(code: number): void;
  /** Whether an address may be sent to (blacklists); absent: every one. */
  allowed?(address: ResolvedAddress): boolean;
  /** What made the plan; absent: not known. */
  readonly origin?: RouteOrigin | undefined;
  readonly recordRoute: boolean;
  /** Changes to the request on every branch: headers appended and removed, Route values taken out. */
  readonly edits: readonly TextEdit[];
  /** What the caller gets when not even the first place could be found. */
  readonly noHop: { readonly code: number; readonly reason: string };
}

/** What becomes of a request. */
export type RouteDecision =
  | { readonly kind: 'relay'; readonly plan: RelayPlan }
  /** Forwarded without a transaction. */
  | {
      readonly kind: 'stateless';
      readonly hop: NextHop;
      readonly recordRoute: boolean;
      readonly edits: readonly TextEdit[];
    }
  /** Answered here. */
  | ({ readonly kind: 'reply'; readonly origin?: RouteOrigin } & LocalReply)
  /** Somebody else answers through the server transaction handed to `route`. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'drop' };

/** What a router is given. */
export interface RoutedRequest {
  readonly message: SipMessage;
  readonly source: Source;
  /** Request-URI to go by: the one that came, or the one a strict router's Route had in it (RFC 3261 section 16.4). */
  readonly requestUri: string;
  /**
   * Our own Route URI, where a strict router had put it into the request-URI. That has been undone: the message is as a loose
   * router would have sent it, less that Route value. Undefined: it came from no strict router.
   */
  readonly strictRoute?: SipUri | undefined;
  /** Begins the server transaction early, for routers that answer later. */
  transaction(): ServerTransaction;
}

/** Where an ACK for a 2xx goes. */
export interface AckRoute {
  readonly hop: NextHop;
  readonly edits: readonly TextEdit[];
}

/** Where requests go: compiled rules, or a route script. */
export interface Router {
  /** Whether requests whose Max-Forwards is used up come here too; otherwise they are answered 483 before. */
  readonly checksMaxForwards?: boolean;
  /** Called for every request but ACK and CANCEL. Must not block. */
  route(request: RoutedRequest): RouteDecision | Promise<RouteDecision>;
  /** An ACK for a 2xx: where it goes, or undefined to drop it. */
  routeAck(request: RoutedRequest): AckRoute | undefined | Promise<AckRoute | undefined>;
}
