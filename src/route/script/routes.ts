import type { AlgoRoute } from './algo-route.js';
import type { BranchRoute } from './branch-route.js';
import type { EventRoute } from './event-route.js';
import type { FailureRoute } from './failure-route.js';
import type { LocalRoute } from './local-route.js';
import type { ReplyRoute } from './reply-route.js';
import type { RequestRoute } from './request-route.js';

/** What a route that must not wait may return: nothing, or a value that means nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: as a part of a union it lets functions without return pass, and no promise.
export type NoPromise = void | boolean | number | string;

/** The routes of a script. Names are those that t_on_failure and its kin, algo_route and the events go by. */
export interface ScriptRoutes {
  /** Every request but those that belong to a transaction: retransmissions, CANCEL and ACK of a call under way. */
  readonly request: (r: RequestRoute) => unknown;
  /** A destination did not take the request: t_on_failure(NAME) was called before it was relayed. */
  readonly failure?: Readonly<Record<string, (r: FailureRoute) => unknown>>;
  /** A request is about to be relayed: t_on_branch(NAME). Must not wait. */
  readonly branch?: Readonly<Record<string, (r: BranchRoute) => NoPromise>>;
  /** A reply came: t_on_reply(NAME). Must not wait. */
  readonly reply?: Readonly<Record<string, (r: ReplyRoute) => NoPromise>>;
  /** A request of our own, a probe, is about to be sent. Must not wait. */
  readonly local?: (r: LocalRoute) => NoPromise;
  /** An event was raised: E_DISPATCHER_STATUS. */
  readonly event?: Readonly<Record<string, (e: EventRoute) => unknown>>;
  /** Scores a destination for algorithm 10, the lowest is chosen first: the module parameter algo_route names it. */
  readonly algo?: Readonly<Record<string, (d: AlgoRoute) => number>>;
}

/** Types the routes of a script: `export const routes = defineRoutes({ request(r) { ... } })`. Returns what it is given. */
export function defineRoutes<T extends ScriptRoutes>(routes: T): T {
  return routes;
}
