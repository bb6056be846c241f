import type { MessageSite } from './site.js';

/**
 * How a reply is sent: "begin" begins the transaction when there is none, "stateful" only uses one, "either" uses one
 * that is there, "stateless" never does.
 */
export type ReplyWay = 'begin' | 'stateful' | 'either' | 'stateless';

/** Kinds of routes that a request names for what comes later. */
export type ArmedKind = 'failure' | 'branch' | 'reply';

/** Flags of t_relay(). */
export interface RelayFlags {
  /** INVITE is not answered 100 at once. */
  readonly no100: boolean;
  /** What cannot be relayed is left to the script. */
  readonly noAutoReply: boolean;
  /** The Reason header of a CANCEL goes on as it came. */
  readonly passReason?: boolean;
}

/**
 * What a script language does with a request when one of its functions says so. A JavaScript route decides, and the
 * proxy carries that out when the route has ended; a cfg script works on its transaction statement by statement. Each
 * returns the code of the function.
 */
export interface RequestActions<Site extends MessageSite, Result> {
  /** Relays the request with a transaction, to `nextHop` where one is given. */
  relay(site: Site, flags: RelayFlags, nextHop?: string): Result;
  /** Sends the request on without a transaction, to `nextHop` where one is given. */
  forward(site: Site, nextHop?: string): Result;
  /** Whether the request belongs to a transaction. */
  checkTransaction(site: Site): number;
  /** Names the route of a kind for the next relaying; undefined for none. */
  arm(site: Site, kind: ArmedKind, name: string | undefined): number;
  /** Whether the caller gave up. */
  cancelled(site: Site): boolean;
  /** Answers the request. */
  reply(site: Site, status: number, reason: string, way: ReplyWay): number;
  /** Adds header lines to replies given here. */
  addReplyLines(site: Site, lines: string): number;
  /** Adds a target; without a URI what the request-URI and $du name now. */
  appendBranch(site: Site, uri: string | undefined, q: string): number;
  /** Follows the Route of the request. */
  looseRoute(site: Site): number;
  /** Stays in the path of the dialog, with parameters of the Record-Route. */
  recordRoute(site: Site, parameters: string): number;
}
