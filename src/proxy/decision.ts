import type { Destination, ResolvedAddress } from '../engine/destination.js';
import type { FlowTarget } from '../sip/local-sockets.js';
import type { SipMessage } from '../sip/message.js';
import type { TextEdit } from '../sip/reply.js';
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
}

/** Why a destination did not take a request. */
export interface HopFailure {
  /** Final status code; 408 for a timeout, 503 for a transport error. */
  readonly code: number;
  /** Whether the code is our own: nothing (final) was received. */
  readonly local: boolean;
  readonly cause?: string | undefined;
}

/**
 * How a request is relayed: where to, one after the other, and what a failure means. Made by the router for one
 * request; the proxy asks it, it never asks the proxy.
 */
export interface RelayPlan {
  /** The next place to try; undefined when there is none left. */
  next(): NextHop | undefined;
  /** A place did not take it. Returns whether the next one is to be tried. Not called for a request that was cancelled. */
  failed(hop: NextHop, failure: HopFailure): boolean;
  /** A place answered at all: a provisional or final reply that is no failure. */
  answered?(hop: NextHop, code: number): void;
  /** Whether an address may be sent to (blacklists); absent: every one. */
  allowed?(address: ResolvedAddress): boolean;
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
  /** Answered here. `headers` are complete lines. */
  | { readonly kind: 'reply'; readonly code: number; readonly reason: string; readonly headers?: string }
  /** Somebody else answers through the server transaction handed to `route`. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'drop' };

/** What a router is given. */
export interface RoutedRequest {
  readonly message: SipMessage;
  readonly source: Source;
  /** Request-URI to go by: the one that came, or the one a strict router's Route had in it (RFC 3261 section 16.4). */
  readonly requestUri: string;
  /** Edits that undo a strict router's rewriting; [] as a rule. */
  readonly preprocessed: readonly TextEdit[];
  /** Begins the server transaction early, for routers that answer later. */
  transaction(): ServerTransaction;
}

/** Where requests go: compiled rules, or a route script. */
export interface Router {
  /** Called for every request but ACK and CANCEL. Must not block. */
  route(request: RoutedRequest): RouteDecision | Promise<RouteDecision>;
  /** An ACK for a 2xx: where it goes, or undefined to drop it. */
  routeAck(request: RoutedRequest): { readonly hop: NextHop; readonly edits: readonly TextEdit[] } | undefined;
}
