import type { MessageSite } from './site.js';

/**
 * How a reply is sent: "begin" creates a transaction when there is none, "stateful" needs an existing one, "either"
 * uses one if it exists, "stateless" never uses one.
 */
export type ReplyWay = 'begin' | 'stateful' | 'either' | 'stateless';

/** Kinds of routes that a request can set for later events. */
export type ArmedKind = 'failure' | 'branch' | 'reply';

/** Flags of t_relay(). */
export interface RelayFlags {
  /** Whether an INVITE is not answered with 100 at once. */
  readonly no100: boolean;
  /** Whether the script, not tm, answers a request that cannot be relayed. */
  readonly noAutoReply: boolean;
  /** Whether the Reason header of a received CANCEL is forwarded unchanged. */
  readonly passReason?: boolean;
}

/**
 * How a script language carries out what functions say about a request. A JavaScript route only decides, and the proxy
 * acts when the route has ended; a cfg script acts on its transaction statement by statement. Each method returns the
 * function's code.
 */
export interface RequestActions<Site extends MessageSite, Result> {
  /** Relays the request with a transaction, to `nextHop` if that is given. */
  relay(site: Site, flags: RelayFlags, nextHop?: string): Result;
  /** Forwards the request without a transaction, to `nextHop` if that is given. */
  forward(site: Site, nextHop?: string): Result;
  /** Whether the request belongs to a transaction. */
  checkTransaction(site: Site): number;
  /** Sets the route of a kind for the next relaying; undefined for none. */
  arm(site: Site, kind: ArmedKind, name: string | undefined): number;
  /** Whether the caller sent CANCEL. */
  cancelled(site: Site): boolean;
  /** Answers the request. */
  reply(site: Site, status: number, reason: string, way: ReplyWay): number;
  /** Status and reason in place of variables that are not set. */
  unsetReply(site: Site, way: ReplyWay): { readonly status: number; readonly reason: string };
  /** Adds header lines to replies generated here. */
  addReplyLines(site: Site, lines: string): number;
  /** Adds a branch; without a URI it gets the current request-URI and $du. */
  appendBranch(site: Site, uri: string | undefined, q: string): number;
  /** Follows the Route of the request. */
  looseRoute(site: Site): number;
  /** Adds Record-Route with these parameters. */
  recordRoute(site: Site, parameters: string): number;
}
